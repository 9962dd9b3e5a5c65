#pragma once
// How things are named: an environment by app and name, a release by its number in it, an instance
// by release, process and index. Their text forms are what people type and what state files hold.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace ecluse::model {

/// "lettings/prod"
struct EnvironmentKey {
  std::string app;
  std::string environment;
  auto operator<=>(const EnvironmentKey&) const = default;
};
std::string to_string(const EnvironmentKey& key);
std::optional<EnvironmentKey> parse_environment_key(std::string_view text);

using ReleaseNumber = std::uint32_t;  ///< counts from 1 in each environment; 0 is "none"

/// "lettings/prod#7"
struct ReleaseKey {
  EnvironmentKey environment;
  ReleaseNumber number = 0;
  auto operator<=>(const ReleaseKey&) const = default;
};
std::string to_string(const ReleaseKey& key);

struct InstanceKey {
  ReleaseKey release;
  std::string process;
  int index = 1;  ///< from 1
  auto operator<=>(const InstanceKey&) const = default;
};
/// "lettings-prod-7-web-1"; unique on a machine, safe as a file name. A '-' inside a name is
/// doubled, so that app "a-b" in "c" and app "a" in "b-c" stay apart: no name begins with one.
std::string instance_id(const InstanceKey& key);
/// The key that gives this id, if one does.
std::optional<InstanceKey> parse_instance_id(std::string_view id);

/// Names that lead one environment's other ids apart from its instances':
/// "lettings-prod-KIND-NAME", where KIND is a word and thus no release's number.
std::string environment_id(const EnvironmentKey& key, std::string_view kind, std::string_view name);

/// App, environment, process and service names: [a-z][a-z0-9-]{0,31}.
bool is_name(std::string_view text);

}  // namespace ecluse::model
