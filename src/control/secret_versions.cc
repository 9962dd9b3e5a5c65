#include "control/secret_versions.h"

#include <fmt/format.h>

#include <algorithm>

#include "control/launch.h"

namespace ecluse::control {

Result<std::map<std::string, std::uint32_t>> newest_secrets(const Ports& ports,
                                                            const model::EnvironmentKey& key,
                                                            const model::EnvironmentSpec& spec) {
  ECLUSE_ASSIGN(const auto known, ports.secrets.list(key));
  std::map<std::string, std::uint32_t> versions;
  std::vector<std::string> missing;
  for (const auto& name : secret_names(spec)) {
    const auto found = std::ranges::find(known, name, &ports::SecretInfo::name);
    if (found == known.end()) {
      missing.push_back(name);
    } else {
      versions[name] = found->version;
    }
  }
  if (missing.empty()) return versions;
  return fail(
      ErrorKind::kNotFound,
      fmt::format("{} has no value for the secrets {}", to_string(key), fmt::join(missing, ", ")),
      fmt::format("`ecluse secret set {} --to {}`, with --generate for a random value",
                  missing.front(), key.environment));
}

}  // namespace ecluse::control
