#pragma once
// How a release becomes something that runs and something that is routed to: the one place where an
// instance's environment, its mounts and the site of an environment are put together.

#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "control/ports.h"
#include "model/release.h"
#include "ports/prober.h"
#include "ports/runtime.h"
#include "ports/traffic.h"
#include "rollout/state.h"

namespace ecluse::control {

/// A variable and who said so: "ecluse.yml", "service", "secret", "ecluse".
struct Variable {
  std::string value;
  std::string origin;
  std::string secret;  ///< its name, when the value is one
};

/// The services with the URLs of external ones looked up at the release's versions. Blocking.
Result<std::vector<model::ServiceSpec>> services_of(const Ports& ports,
                                                    const model::Release& release);

/// The complete environment of `process` (empty: of a release job). Later ones win: PATH and such,
/// services, ecluse.yml's env, the process's env, secrets, PORT and what names the release.
/// Blocking. NotFound when a secret or its pinned version is missing.
Result<std::map<std::string, Variable>> environment_of(const Ports& ports,
                                                       const model::Release& release,
                                                       const model::ProcessSpec* process,
                                                       std::uint16_t port);

/// PATH: what was installed for the process's own folder, then what the whole app shares, then the
/// machine's.
std::string search_path(const model::ProcessSpec* process);

/// Instance `index` of `process`. Blocking: secrets and services are asked.
Result<ports::Launch> launch_of(const Ports& ports, const Settings& settings,
                                const model::Release& release, const model::ProcessSpec& process,
                                int index);
/// The same under an id of its own and with another owner.
Result<ports::Launch> launch_of(const Ports& ports, const Settings& settings,
                                const model::Release& release, const model::ProcessSpec& process,
                                const std::string& id, const std::string& owner);
/// Release job `index`: a writable layer over the artifact, the volumes, no restart.
Result<ports::Launch> job_launch_of(const Ports& ports, const Settings& settings,
                                    const model::Release& release, std::size_t index);
/// One command in a copy of `release`; `id` must be new.
Result<ports::Launch> command_launch_of(const Ports& ports, const Settings& settings,
                                        const model::Release& release,
                                        const std::vector<std::string>& argv,
                                        const std::string& id);

/// Every secret that the spec refers to.
std::set<std::string> secret_names(const model::EnvironmentSpec& spec);
/// Variables with their values that a build inlines for this environment.
Result<std::map<std::string, std::string>> inlined_variables(const Ports& ports,
                                                             const model::EnvironmentSpec& spec);
bool is_built_per_environment(const model::EnvironmentSpec& spec);

/// Whose hosts, doors and pages a site has: the release with the most of the traffic; without any,
/// the stable one, then the new one. 0: there is none.
model::ReleaseNumber leading_release(const rollout::State& state);
/// What the gateway shall serve for `state`. `release_of` gives a release by number; nullptr is not
/// expected for any arm. basic_auth is left empty: it may be a secret, see protect().
ports::Site site_of(const rollout::State& state,
                    const std::function<const model::Release*(model::ReleaseNumber)>& release_of);
/// Adds the static folders of `release` to its arms of the site: what its release jobs wrote lies
/// above what was built. Blocking. NotFound when the artifact was deleted.
Result<void> add_folders(const Ports& ports, const Settings& settings,
                         const model::Release& release, ports::Site& site);
/// Adds the pages of the app's own that the leading release has. Blocking. NotFound when the
/// artifact was deleted.
Result<void> add_pages(const Ports& ports, const Settings& settings, const model::Release& release,
                       ports::Site& site);
/// Looks up the site's basic authentication. Blocking.
Result<void> protect(const Ports& ports, const model::Release& release, ports::Site& site);

ports::ProbeTarget probe_target_of(const model::Release& release, const rollout::Instance& instance,
                                   const std::string& id);

/// "lettings-prod-rjob-7-2"
std::string job_id(const model::ReleaseKey& key, std::size_t index);
/// The owner that instances of a release carry, for people and for the sweep: "release 7".
std::string owner_of(model::ReleaseNumber release);
/// The key of an instance that runs for `environment`, if `status` is one of a release.
std::optional<model::InstanceKey> instance_key_of(const ports::InstanceStatus& status);

}  // namespace ecluse::control
