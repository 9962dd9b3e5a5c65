#include "control/launch.h"

#include <fmt/format.h>

#include <algorithm>

#include "config/condition.h"
#include "rollout/step.h"

namespace ecluse::control {

namespace {
constexpr std::uint16_t kDefaultPort = 8080;
constexpr std::string_view kTop = "/app";
constexpr std::string_view kSystemPath =
    "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

using Variables = std::map<std::string, Variable>;

std::string programs_in(std::string_view folder) {
  return fmt::format("{0}/.venv/bin:{0}/node_modules/.bin:", folder);
}

Result<std::string> secret_of(const Ports& ports, const model::Release& release,
                              const std::string& name) {
  const auto pinned = release.secret_versions.find(name);
  std::optional<std::uint32_t> version;
  if (pinned != release.secret_versions.end()) version = pinned->second;
  return ports.secrets.get(release.key.environment, name, version);
}

Result<void> add(const Ports& ports, const model::Release& release, Variables& out,
                 const std::map<std::string, model::EnvValue>& env) {
  for (const auto& [name, value] : env) {
    if (const auto* plain = std::get_if<std::string>(&value)) {
      out[name] = {*plain, "ecluse.yml", {}};
      continue;
    }
    const auto& secret = std::get<model::SecretRef>(value).name;
    ECLUSE_ASSIGN(auto text, secret_of(ports, release, secret));
    out[name] = {std::move(text), "secret", secret};
  }
  return {};
}

/// exec keeps the app first in its group so that signals reach it; what only a shell understands
/// must stay with the shell.
std::string shell_line(const std::string& command) {
  const bool needs_the_shell = command.find_first_of(";&|<>`\n") != std::string::npos ||
                               command.substr(0, command.find(' ')).find('=') != std::string::npos;
  return needs_the_shell ? command : "exec " + command;
}

std::map<std::string, std::string> plain(const Variables& variables) {
  std::map<std::string, std::string> out;
  for (const auto& [name, variable] : variables) out[name] = variable.value;
  return out;
}

std::string layer_path_of(const Settings& settings, const model::EnvironmentKey& key,
                          model::ReleaseNumber layer) {
  return fmt::format("{}/{}/{}/{}", settings.layers_root, key.app, key.environment, layer);
}

Result<ports::Launch> base_launch(const Ports& ports, const Settings& settings,
                                  const model::Release& release, model::ReleaseNumber layer) {
  const auto& key = release.key.environment;
  ports::Launch launch;
  launch.app = key.app;
  launch.environment = key.environment;
  launch.owner = owner_of(release.key.number);
  ECLUSE_ASSIGN(launch.artifact_path, ports.builder.path_of(release.artifact.digest));
  if (layer != 0) launch.layer_path = layer_path_of(settings, key, layer);
  for (const auto& [name, target] : release.spec.volumes) {
    const auto source =
        fmt::format("{}/{}/{}/{}", settings.volumes_root, key.app, key.environment, name);
    launch.mounts.push_back({source, target, true});
    if (settings.make_folder) ECLUSE_TRY(settings.make_folder(source));
  }
  return launch;
}

std::uint16_t port_of(const Settings& settings, const model::ProcessSpec& process,
                      const std::string& id) {
  if (process.port) return *process.port;
  return settings.port_for ? settings.port_for(id) : kDefaultPort;
}
}  // namespace

std::string search_path(const model::ProcessSpec* process) {
  std::string path;
  if (process != nullptr && !process->root.empty())
    path = programs_in(fmt::format("{}/{}", kTop, process->root));
  return path + programs_in(kTop) + std::string(kSystemPath);
}

std::string owner_of(model::ReleaseNumber release) {
  return fmt::format("release {}", release);
}

std::string job_id(const model::ReleaseKey& key, std::size_t index) {
  return fmt::format("{}-{}",
                     model::environment_id(key.environment, "rjob", std::to_string(key.number)),
                     index + 1);
}

std::optional<model::InstanceKey> instance_key_of(const ports::InstanceStatus& status) {
  auto key = model::parse_instance_id(status.id);
  const bool is_ours =
      key && key->release.environment == model::EnvironmentKey{status.app, status.environment} &&
      status.owner == owner_of(key->release.number);
  return is_ours ? key : std::nullopt;
}

Result<std::vector<model::ServiceSpec>> services_of(const Ports& ports,
                                                    const model::Release& release) {
  auto specs = release.spec.services;
  for (auto& service : specs) {
    if (!service.url) continue;
    if (const auto* secret = std::get_if<model::SecretRef>(&*service.url)) {
      ECLUSE_ASSIGN(service.url, secret_of(ports, release, secret->name));
    }
  }
  return specs;
}

Result<std::map<std::string, Variable>> environment_of(const Ports& ports,
                                                       const model::Release& release,
                                                       const model::ProcessSpec* process,
                                                       std::uint16_t port) {
  const auto& key = release.key.environment;
  const auto& spec = release.spec;
  Variables out;
  const auto ours = [&](const char* name, std::string value) {
    out[name] = {std::move(value), "ecluse", {}};
  };
  ours("PATH", search_path(process));
  ours("PYTHONUNBUFFERED", "1");  // else the last lines of a crash stay in a buffer
  ECLUSE_ASSIGN(const auto specs, services_of(ports, release));
  ECLUSE_ASSIGN(const auto services, ports.services.variables(key, specs));
  for (const auto& [name, value] : services) out[name] = {value, "service", {}};
  ECLUSE_TRY(add(ports, release, out, spec.env));
  if (process != nullptr) ECLUSE_TRY(add(ports, release, out, process->env));
  for (const auto& name : spec.secrets) {
    ECLUSE_ASSIGN(auto value, secret_of(ports, release, name));
    out[name] = {std::move(value), "secret", name};
  }
  if (process != nullptr && process->takes_traffic && !process->port)
    ours("PORT", std::to_string(port));
  ours("ECLUSE_APP", key.app);
  ours("ECLUSE_ENVIRONMENT", key.environment);
  ours("ECLUSE_RELEASE", std::to_string(release.key.number));
  ours("ECLUSE_COMMIT", release.commit.sha);
  if (!out.contains("RELEASE")) ours("RELEASE", std::to_string(release.key.number));
  return out;
}

Result<ports::Launch> launch_of(const Ports& ports, const Settings& settings,
                                const model::Release& release, const model::ProcessSpec& process,
                                int index) {
  return launch_of(ports, settings, release, process,
                   model::instance_id({release.key, process.name, index}),
                   owner_of(release.key.number));
}

Result<ports::Launch> launch_of(const Ports& ports, const Settings& settings,
                                const model::Release& release, const model::ProcessSpec& process,
                                const std::string& id, const std::string& owner) {
  ECLUSE_ASSIGN(auto launch, base_launch(ports, settings, release, release.layer));
  launch.id = id;
  launch.owner = owner;
  const auto port = port_of(settings, process, launch.id);
  ECLUSE_ASSIGN(const auto variables, environment_of(ports, release, &process, port));
  launch.env = plain(variables);
  launch.argv = {"/bin/sh", "-c", shell_line(process.command)};
  if (!process.root.empty()) launch.workdir = "/app/" + process.root;
  if (process.takes_traffic) launch.port = port;
  launch.limits = process.limits;
  launch.stop_grace = process.stop_grace;
  return launch;
}

Result<ports::Launch> job_launch_of(const Ports& ports, const Settings& settings,
                                    const model::Release& release, std::size_t index) {
  ECLUSE_ASSIGN(auto launch, base_launch(ports, settings, release, release.key.number));
  launch.id = job_id(release.key, index);
  launch.owner = fmt::format("release job {} of release {}", index + 1, release.key.number);
  launch.layer_writable = true;
  if (settings.make_folder) ECLUSE_TRY(settings.make_folder(launch.layer_path));
  ECLUSE_ASSIGN(const auto variables, environment_of(ports, release, nullptr, 0));
  launch.env = plain(variables);
  launch.argv = {"/bin/sh", "-c", release.spec.release.at(index).run};
  launch.restart = false;
  return launch;
}

Result<ports::Launch> command_launch_of(const Ports& ports, const Settings& settings,
                                        const model::Release& release,
                                        const std::vector<std::string>& argv,
                                        const std::string& id) {
  ECLUSE_ASSIGN(auto launch, base_launch(ports, settings, release, release.layer));
  launch.id = id;
  launch.owner = fmt::format("command in release {}", release.key.number);
  ECLUSE_ASSIGN(const auto variables, environment_of(ports, release, nullptr, 0));
  launch.env = plain(variables);
  launch.argv = argv;
  launch.restart = false;
  return launch;
}

std::set<std::string> secret_names(const model::EnvironmentSpec& spec) {
  std::set<std::string> names(spec.secrets.begin(), spec.secrets.end());
  const auto consider = [&](const model::EnvValue& value) {
    if (const auto* secret = std::get_if<model::SecretRef>(&value)) names.insert(secret->name);
  };
  for (const auto& [name, value] : spec.env) consider(value);
  for (const auto& process : spec.processes)
    for (const auto& [name, value] : process.env) consider(value);
  for (const auto& service : spec.services)
    if (service.url) consider(*service.url);
  if (spec.protect.basic) consider(*spec.protect.basic);
  return names;
}

namespace {
std::set<std::string> inlined_names(const model::EnvironmentSpec& spec) {
  std::set<std::string> names(spec.build.per_environment.begin(), spec.build.per_environment.end());
  for (const auto& process : spec.processes)
    if (process.build)
      names.insert(process.build->per_environment.begin(), process.build->per_environment.end());
  return names;
}

const model::EnvValue* find_value(const model::EnvironmentSpec& spec, const std::string& name) {
  for (const auto& process : spec.processes)
    if (const auto found = process.env.find(name); found != process.env.end())
      return &found->second;
  const auto found = spec.env.find(name);
  return found == spec.env.end() ? nullptr : &found->second;
}
}  // namespace

bool is_built_per_environment(const model::EnvironmentSpec& spec) {
  return !inlined_names(spec).empty();
}

Result<std::map<std::string, std::string>> inlined_variables(const Ports& ports,
                                                             const model::EnvironmentSpec& spec) {
  std::map<std::string, std::string> out;
  for (const auto& name : inlined_names(spec)) {
    const auto* value = find_value(spec, name);
    if (value == nullptr)
      return fail(ErrorKind::kInvalid,
                  fmt::format("{} is inlined when {} is built, and has no value", name, spec.name),
                  fmt::format("set {} under env of environment {}", name, spec.name));
    if (const auto* text = std::get_if<std::string>(value)) {
      out[name] = *text;
    } else {
      ECLUSE_ASSIGN(out[name],
                    ports.secrets.get({spec.app, spec.name},
                                      std::get<model::SecretRef>(*value).name, std::nullopt));
    }
  }
  return out;
}

namespace {
ports::Backend backend_of(const rollout::State& state, const model::ProcessSpec& process,
                          model::ReleaseNumber release) {
  ports::Backend backend{.process = process.name,
                         .prefixes = process.routes,
                         .affinity = process.affinity == model::Affinity::kInstance,
                         .websockets = process.websockets};
  if (backend.prefixes.empty()) backend.prefixes = {"/"};
  for (const auto& instance : state.instances) {
    const bool is_target = instance.release == release && instance.process == process.name &&
                           instance.standing == rollout::InstanceStanding::kRunning;
    if (is_target)
      backend.targets.push_back(
          {instance_id(state, instance), instance.address, instance.port, instance.ready});
  }
  return backend;
}

std::optional<ports::SiteTls> tls_of(const model::TlsSpec& spec) {
  using Source = ports::SiteTls::Source;
  ports::SiteTls tls{.certificate = spec.certificate,
                     .key = spec.key,
                     .directory = spec.directory,
                     .contact = spec.contact,
                     .trusted = spec.trusted,
                     .redirect = spec.redirect,
                     .hsts_s = static_cast<std::uint32_t>(spec.hsts.count() / 1000)};
  switch (spec.source) {
    case model::TlsSource::kNone:
      return std::nullopt;
    case model::TlsSource::kLocal:
      tls.source = Source::kLocal;
      return tls;
    case model::TlsSource::kAcme:
      tls.source = Source::kAcme;
      return tls;
    case model::TlsSource::kFiles:
      tls.source = Source::kFiles;
      return tls;
  }
  return std::nullopt;
}

}  // namespace

model::ReleaseNumber leading_release(const rollout::State& state) {
  const rollout::ArmShare* best = nullptr;
  for (const auto& arm : state.arms)
    if (best == nullptr || arm.weight_ppm > best->weight_ppm) best = &arm;
  if (best != nullptr) return best->release;
  if (state.stable != 0) return state.stable;
  return state.active ? state.active->release : 0;
}

ports::Site site_of(const rollout::State& state,
                    const std::function<const model::Release*(model::ReleaseNumber)>& release_of) {
  ports::Site site;
  site.key = state.key;
  const auto* leading = release_of(leading_release(state));
  if (leading != nullptr) {
    const auto& spec = leading->spec;
    std::string first;
    for (const auto& host : spec.hosts) {
      if (host.redirect) continue;
      if (first.empty()) first = host.host;
      site.hosts.push_back(host.host);
    }
    for (const auto& host : spec.hosts)
      if (host.redirect) site.redirects[host.host] = first;
    site.port = spec.port;
    site.sticky = spec.canary.sticky == model::Sticky::kUser;
    site.allow = spec.protect.allow;
    for (const auto& process : spec.processes)
      if (process.takes_traffic && process.ready) site.health_paths.push_back(process.ready->path);
    for (const auto& text : spec.canary.abort_when) {
      const auto condition = config::parse_condition(text);
      if (condition && condition->metric == config::ConditionMetric::kLatency)
        site.latency_bounds.push_back(condition->latency_max);
    }
    site.tls = tls_of(spec.tls);
  }
  const bool starts = state.active && state.active->kind != rollout::Kind::kStop;
  const bool closed = state.maintenance || (state.stopped && !starts);
  site.mode = closed          ? ports::SiteMode::kMaintenance
              : state.holding ? ports::SiteMode::kHold
                              : ports::SiteMode::kServe;
  if (state.active) site.cohort_salt = state.active->id;
  if (state.active && rollout::is_on_trial(*state.active)) site.on_trial = state.active->release;
  for (const auto& share : state.arms) {
    const auto* release = release_of(share.release);
    if (release == nullptr) continue;
    ports::Arm arm{.release = share.release, .weight_ppm = share.weight_ppm};
    for (const auto& process : release->spec.processes)
      if (process.takes_traffic) arm.backends.push_back(backend_of(state, process, share.release));
    site.arms.push_back(std::move(arm));
  }
  return site;
}

namespace {
/// Where a path of a release lies on this machine: what its jobs wrote above what was built.
std::vector<std::string> roots_of(const Settings& settings, const model::Release& release,
                                  const std::string& artifact_path, const std::string& below = {}) {
  const std::string tail = below.empty() ? "" : "/" + below;
  std::vector<std::string> roots;
  if (release.layer != 0) {
    roots.push_back(layer_path_of(settings, release.key.environment, release.layer) + tail);
  }
  roots.push_back(artifact_path + tail);
  return roots;
}

std::vector<ports::Folder> folders_of(const Settings& settings, const model::Release& release,
                                      const std::string& artifact_path) {
  std::vector<ports::Folder> folders;
  for (const auto& process : release.spec.processes) {
    for (const auto& [prefix, folder] : process.static_paths) {
      folders.push_back(
          {.prefix = prefix, .roots = roots_of(settings, release, artifact_path, folder)});
    }
  }
  return folders;
}
}  // namespace

Result<void> add_folders(const Ports& ports, const Settings& settings,
                         const model::Release& release, ports::Site& site) {
  const bool has_any = std::ranges::any_of(
      release.spec.processes, [](const auto& process) { return !process.static_paths.empty(); });
  if (!has_any) return {};
  ECLUSE_ASSIGN(const auto artifact_path, ports.builder.path_of(release.artifact.digest));
  for (auto& arm : site.arms) {
    if (arm.release == release.key.number) {
      arm.folders = folders_of(settings, release, artifact_path);
    }
  }
  return {};
}

Result<void> add_pages(const Ports& ports, const Settings& settings, const model::Release& release,
                       ports::Site& site) {
  if (release.spec.pages.empty()) return {};
  ECLUSE_ASSIGN(const auto artifact_path, ports.builder.path_of(release.artifact.digest));
  for (const auto& [name, file] : release.spec.pages) {
    site.page_files[name] = {.roots = roots_of(settings, release, artifact_path), .file = file};
  }
  return {};
}

Result<void> protect(const Ports& ports, const model::Release& release, ports::Site& site) {
  const auto& basic = release.spec.protect.basic;
  if (!basic) return {};
  if (const auto* text = std::get_if<std::string>(&*basic)) {
    site.basic_auth = *text;
    return {};
  }
  ECLUSE_ASSIGN(site.basic_auth,
                secret_of(ports, release, std::get<model::SecretRef>(*basic).name));
  return {};
}

ports::ProbeTarget probe_target_of(const model::Release& release, const rollout::Instance& instance,
                                   const std::string& id) {
  ports::ProbeTarget target{.instance = id, .address = instance.address, .port = instance.port};
  for (const auto& host : release.spec.hosts) {
    if (host.redirect) continue;
    target.host = host.host;
    break;
  }
  if (const auto* process = release.spec.find_process(instance.process)) {
    target.ready = process->ready;
    target.live = process->live;
  }
  return target;
}

}  // namespace ecluse::control
