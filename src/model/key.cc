#include "model/key.h"

#include <fmt/format.h>

#include <algorithm>

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

std::string instance_id(const InstanceKey& key) {
  const auto& environment = key.release.environment;
  return fmt::format("{}-{}-{}-{}-{}", environment.app, environment.environment, key.release.number,
                     key.process, key.index);
}

bool is_name(std::string_view text) {
  constexpr std::size_t kNameBytesMax = 32;
  const auto is_lower = [](char c) { return c >= 'a' && c <= 'z'; };
  const auto is_inner = [&](char c) { return is_lower(c) || (c >= '0' && c <= '9') || c == '-'; };
  return !text.empty() && text.size() <= kNameBytesMax && is_lower(text.front()) &&
         std::ranges::all_of(text, is_inner);
}

}  // namespace ecluse::model
