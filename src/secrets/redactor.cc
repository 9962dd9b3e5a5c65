#include "secrets/redactor.h"

#include <algorithm>
#include <cstring>

#include "secrets/disguise.h"

namespace ecluse::secrets {

namespace {
constexpr std::size_t kStart = kDisguiseBytesMin;

std::uint32_t start_of(std::string_view text, std::size_t at) {
  std::uint32_t word = 0;
  static_assert(sizeof word == kStart);
  std::memcpy(&word, text.data() + at, kStart);
  return word;
}

std::size_t bit_of(std::uint32_t start) {
  return start * 2654435761U >> 16U;  // Knuth's multiplicative hash
}
}  // namespace

Redactor::Redactor(const std::vector<NamedValue>& values) {
  for (const auto& [name, value] : values) {
    for (auto& form : disguises_of(value)) {
      longest_ = std::max(longest_, form.size());
      const auto start = start_of(form, 0);
      starts_.set(bit_of(start));
      for (std::size_t bytes = 1; bytes < kStart; ++bytes)
        beginnings_.insert(form.substr(0, bytes));
      needles_[start].push_back({std::move(form), name});
    }
  }
  for (auto& [start, needles] : needles_) std::sort(needles.begin(), needles.end());
}

const Redactor::Needle* Redactor::longest_at(std::string_view text, std::size_t at) const {
  const auto start = start_of(text, at);
  if (!starts_.test(bit_of(start))) return nullptr;
  const auto found = needles_.find(start);
  if (found == needles_.end()) return nullptr;
  for (const auto& needle : found->second) {
    if (text.substr(at).starts_with(needle.text)) return &needle;
  }
  return nullptr;
}

Redactor::Span Redactor::find(std::string_view text, std::size_t from) const {
  Span span{text.size(), text.size(), {}};
  for (std::size_t at = from; at + kStart <= text.size(); ++at) {
    if (!span.name.empty() && at >= span.end) break;
    const auto* needle = longest_at(text, at);
    if (needle == nullptr) continue;
    const auto end = at + needle->text.size();
    span = span.name.empty() ? Span{at, end, needle->name}
                             : Span{span.begin, std::max(span.end, end), span.name};
  }
  return span;
}

std::string Redactor::redact(std::string_view text) const {
  if (needles_.empty()) return std::string(text);
  std::string result;
  std::size_t done = 0;
  for (Span span = find(text, 0);; span = find(text, done)) {
    result += text.substr(done, span.begin - done);
    if (span.begin == text.size()) return result;
    result.append("[redacted ").append(span.name).append("]");
    done = span.end;
  }
}

/// Whether `text` is the beginning of a value, but not the whole.
bool Redactor::begins_one(std::string_view text) const {
  if (text.size() < kStart) return beginnings_.contains(text);
  const auto start = start_of(text, 0);
  if (!starts_.test(bit_of(start))) return false;
  const auto found = needles_.find(start);
  return found != needles_.end() && std::ranges::any_of(found->second, [&](const Needle& needle) {
           return needle.text.size() > text.size() && needle.text.starts_with(text);
         });
}

std::size_t Redactor::settled(std::string_view text) const {
  const std::size_t held = longest_ == 0 ? 0 : std::min(longest_ - 1, text.size());
  std::size_t cut = text.size() - held;
  while (cut < text.size() && !begins_one(text.substr(cut))) ++cut;
  for (auto span = find(text, 0); span.begin < cut; span = find(text, span.end)) {
    if (span.end > cut) return span.begin;
  }
  return cut;
}

}  // namespace ecluse::secrets
