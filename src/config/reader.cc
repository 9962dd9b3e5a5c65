#include "config/reader.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cctype>

#include "base/text.h"

namespace ecluse::config {

namespace {

constexpr std::size_t kShownPathBytesMax = 160;

std::string lower(std::string_view text) {
  std::string out(text);
  std::ranges::transform(out, out.begin(), [](unsigned char c) { return std::tolower(c); });
  return out;
}

bool all_of(std::string_view text, std::string_view allowed) {
  return !text.empty() && text.find_first_not_of(allowed) == std::string_view::npos;
}

bool is_number(std::string_view text) {
  if (text.starts_with('-') || text.starts_with('+')) text.remove_prefix(1);
  if (text.starts_with("0x")) return all_of(text.substr(2), "0123456789abcdefABCDEF_");
  if (text.starts_with("0o") || text.starts_with("0b")) return all_of(text.substr(2), "01234567_");
  const std::string word = lower(text);
  if (word == ".inf" || word == ".nan") return true;
  const std::size_t exponent = word.find('e');
  if (exponent != std::string::npos) {
    std::string_view power = std::string_view(word).substr(exponent + 1);
    if (power.starts_with('-') || power.starts_with('+')) power.remove_prefix(1);
    if (!all_of(power, "0123456789")) return false;
  }
  const std::string_view mantissa = std::string_view(word).substr(0, exponent);
  return all_of(mantissa, "0123456789._") && std::ranges::count(mantissa, '.') <= 1 &&
         mantissa.find_first_of("0123456789") <= 1;
}

}  // namespace

bool is_within(std::string_view path, std::string_view outer) {
  if (!path.starts_with(outer)) return false;
  const std::string_view rest = path.substr(outer.size());
  return outer.empty() || rest.empty() || rest[0] == '.' || rest[0] == '[';
}

const Origin* origin_of(const Origins& origins, std::string_view path) {
  for (;;) {
    if (const auto found = origins.find(path); found != origins.end()) return &found->second;
    if (path.empty()) return nullptr;
    const std::size_t end = path.find_last_of(".[");
    path = end == std::string_view::npos ? std::string_view() : path.substr(0, end);
  }
}

Reader::Scope::Scope(Reader& reader, std::string_view key)
    : reader_(reader), length_(reader.path_.size()) {
  if (!reader.path_.empty() && !key.empty() && !key.starts_with('[')) reader.path_ += '.';
  reader.path_ += key;
}

void Reader::error(Place place, std::string message, std::string expected, std::string nearest) {
  problems_.push_back({file_, place.line, place.column, std::move(message), std::move(expected),
                       std::move(nearest), Severity::kError});
  broken_.push_back(path_);
}

std::string Reader::shown_path() const {
  if (above_.empty() || path_.empty()) return printable(above_ + path_, kShownPathBytesMax);
  return printable(above_ + "." + path_, kShownPathBytesMax);
}

void Reader::wrong(const Node& node, std::string expected, std::string nearest) {
  const std::string path = shown_path();
  const std::string subject = path.empty() ? "the file" : path;
  error(node.place, fmt::format("{} is {}", subject, describe(node)), std::move(expected),
        std::move(nearest));
}

void Reader::stands_at(Place place) {
  stands_at(path_, place);
}

void Reader::stands_at(std::string path, Place place) {
  origins_.insert_or_assign(std::move(path), Origin{layer_, place});
}

void Reader::replace(const std::string& path) {
  std::erase_if(origins_, [&](const auto& pair) { return is_within(pair.first, path); });
}

std::string describe(const Node& node) {
  switch (node.kind) {
    case NodeKind::kNull:
      return "empty";
    case NodeKind::kList:
      return "a list";
    case NodeKind::kMap:
      return "a map of keys";
    case NodeKind::kScalar:
      return fmt::format("{}{}{}", node.quoted ? "the text \"" : "'", printable(node.text, 60),
                         node.quoted ? '"' : '\'');
  }
  return "";
}

std::string_view yaml_reads_as(std::string_view plain) {
  constexpr std::array<std::string_view, 6> kBooleans{"true", "false", "yes", "no", "on", "off"};
  if (std::ranges::find(kBooleans, lower(plain)) != kBooleans.end()) return "true or false";
  return is_number(plain) ? "a number" : "";
}

}  // namespace ecluse::config
