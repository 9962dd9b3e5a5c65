#include "model/key.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <vector>

namespace ecluse::model {

std::string to_string(const EnvironmentKey& key) {
  return fmt::format("{}/{}", key.app, key.environment);
}

std::optional<EnvironmentKey> parse_environment_key(std::string_view text) {
  const std::size_t slash = text.find('/');
  if (slash == std::string_view::npos) return std::nullopt;
  EnvironmentKey key{std::string(text.substr(0, slash)), std::string(text.substr(slash + 1))};
  if (!is_name(key.app) || !is_name(key.environment)) return std::nullopt;
  return key;
}

std::string to_string(const ReleaseKey& key) {
  return fmt::format("{}#{}", to_string(key.environment), key.number);
}

namespace {
std::string doubled(std::string_view name) {
  std::string out;
  for (const char c : name) out.append(c == '-' ? 2 : 1, c);
  return out;
}

/// The inverse of names joined by '-' once they are doubled: an odd run of '-' ends in a joint.
std::vector<std::string> names_in(std::string_view id) {
  std::vector<std::string> names(1);
  for (std::size_t at = 0; at < id.size();) {
    const std::size_t end = std::min(id.find_first_not_of('-', at), id.size());
    const std::size_t run = end - at;
    names.back().append(run / 2, '-');
    if (run % 2 == 1) names.emplace_back();
    at = std::min(id.find('-', end), id.size());
    names.back().append(id.substr(end, at - end));
  }
  return names;
}

template <typename T>
T number_in(std::string_view text) {
  T number{};
  std::from_chars(text.data(), text.data() + text.size(), number);
  return number;
}
}  // namespace

std::string instance_id(const InstanceKey& key) {
  return fmt::format(
      "{}-{}",
      environment_id(key.release.environment, std::to_string(key.release.number), key.process),
      key.index);
}

std::optional<InstanceKey> parse_instance_id(std::string_view id) {
  const auto names = names_in(id);
  if (names.size() != 5) return std::nullopt;
  InstanceKey key{{{names[0], names[1]}, number_in<ReleaseNumber>(names[2])},
                  names[3],
                  number_in<int>(names[4])};
  // Whatever else may have been written there, only one text is the id of a key.
  return instance_id(key) == id ? std::optional(std::move(key)) : std::nullopt;
}

std::string environment_id(const EnvironmentKey& key, std::string_view kind,
                           std::string_view name) {
  return fmt::format("{}-{}-{}-{}", doubled(key.app), doubled(key.environment), kind,
                     doubled(name));
}

bool is_name(std::string_view text) {
  constexpr std::size_t kNameBytesMax = 32;
  const auto is_lower = [](char c) { return c >= 'a' && c <= 'z'; };
  const auto is_inner = [&](char c) { return is_lower(c) || (c >= '0' && c <= '9') || c == '-'; };
  return !text.empty() && text.size() <= kNameBytesMax && is_lower(text.front()) &&
         std::ranges::all_of(text, is_inner);
}

}  // namespace ecluse::model
