#include <fmt/format.h>

#include <algorithm>
#include <ostream>

#include "api/json.h"
#include "base/text.h"
#include "cli/rollout_text.h"
#include "cli/table.h"
#include "cli/target.h"
#include "cli/verbs_list.h"

namespace ecluse::cli {

namespace {

struct Options : Common {
  std::string target;
  bool instances = false;
};

std::string address_of(const control::EnvironmentView& view) {
  std::vector<std::string> all = view.hosts;
  if (view.port) all.push_back(fmt::format(":{}", *view.port));
  return join(all, " ");
}

std::string ready_of(const control::EnvironmentView& view) {
  std::map<std::string, std::pair<int, int>> by_process;
  for (const auto& instance : view.instances) {
    if (instance.release != view.stable) continue;
    auto& [ready, all] = by_process[instance.process];
    ready += instance.ready ? 1 : 0;
    ++all;
  }
  std::vector<std::string> parts;
  for (const auto& [process, counts] : by_process) {
    parts.push_back(fmt::format("{} {}/{}", process, counts.first, counts.second));
  }
  return join(parts, " ");
}

std::string memory_of(const control::EnvironmentView& view) {
  std::uint64_t bytes = 0;
  for (const auto& instance : view.instances) {
    if (instance.usage) bytes += instance.usage->memory_bytes;
  }
  return bytes == 0 ? "" : short_bytes(bytes);
}

std::string latency_of(const control::EnvironmentView& view) {
  const auto found = view.latencies.find(view.stable);
  if (found == view.latencies.end()) return "";
  return fmt::format("{:.0f}/{:.0f} ms", found->second.p50_ms, found->second.p95_ms);
}

std::string rollout_of(const control::EnvironmentView& view) {
  if (!view.rollout) return "";
  const auto& rollout = *view.rollout;
  return fmt::format("{} @{} {}", rollout.kind, rollout.id.substr(rollout.id.find('@') + 1),
                     state_of(rollout));
}

const char* word_of(ports::InstanceState state) {
  switch (state) {
    case ports::InstanceState::kStarting:
      return "starting";
    case ports::InstanceState::kRunning:
      return "running";
    case ports::InstanceState::kBackingOff:
      return "backing off after exits";
    case ports::InstanceState::kCrashLooping:
      return "crashing again and again";
    case ports::InstanceState::kStopping:
      return "stopping";
    case ports::InstanceState::kStopped:
      return "stopped";
  }
  return "?";
}

void add_instance_problems(const control::EnvironmentView& view, std::vector<std::string>& out) {
  for (const auto& instance : view.instances) {
    const auto state = instance.status.state;
    const bool sick = state == ports::InstanceState::kBackingOff ||
                      state == ports::InstanceState::kCrashLooping ||
                      state == ports::InstanceState::kStopped;
    if (sick) {
      out.push_back(fmt::format("{} is {} ({} starts{}); ecluse logs {} --instance {}",
                                instance.status.id, word_of(state), instance.status.starts,
                                instance.status.last_exit
                                    ? fmt::format(", last exit {}", *instance.status.last_exit)
                                    : "",
                                to_string(view.key), instance.status.id));
    } else if (instance.release == view.stable && !instance.ready && view.mode == "serving" &&
               state == ports::InstanceState::kRunning) {
      out.push_back(fmt::format("{} is running but not ready", instance.status.id));
    }
  }
}

std::vector<std::string> problems_of(const control::EnvironmentView& view) {
  std::vector<std::string> out;
  const auto key = to_string(view.key);
  if (view.mode == "maintenance") out.push_back(key + " shows the maintenance page");
  if (view.mode == "stopped") out.push_back(key + " is stopped; ecluse start --app " + key);
  for (const auto& service : view.services) {
    if (!service.healthy) {
      out.push_back(fmt::format("{}: service {} is down: {}", key, service.name, service.detail));
    }
  }
  add_instance_problems(view, out);
  for (const auto& id : view.queued) {
    out.push_back(fmt::format("{0} is queued; ecluse rollout {0} says what it waits for", id));
  }
  if (!view.rollout) return out;
  const auto& rollout = *view.rollout;
  const bool bad =
      rollout.outcome == control::Outcome::kAborted || rollout.outcome == control::Outcome::kFailed;
  if (bad) out.push_back(fmt::format("{} {}: {}", rollout.id, state_of(rollout), rollout.reason));
  if (!rollout.waiting_for.empty() && rollout.outcome == control::Outcome::kRunning) {
    out.push_back(fmt::format("{} waits for {}", rollout.id, rollout.waiting_for));
  }
  return out;
}

void print_overview(const Terminal& terminal, const std::vector<control::EnvironmentView>& views) {
  Table table({"ENVIRONMENT", "MODE", "RELEASE", "COMMIT", "READY", "MEMORY", "P50/P95", "ADDRESS",
               "ROLLOUT"});
  for (const auto& view : views) {
    table.row({to_string(view.key), view.mode,
               view.stable == 0 ? "none" : fmt::format("{}", view.stable),
               short_commit(view.commit), ready_of(view), memory_of(view), latency_of(view),
               address_of(view), rollout_of(view)});
  }
  table.print(terminal);
}

void print_instances(const Terminal& terminal, const std::vector<control::EnvironmentView>& views) {
  Table table({"INSTANCE", "STATE", "READY", "ADDRESS", "STARTS", "MEMORY", "CPU"});
  for (const auto& view : views) {
    for (const auto& instance : view.instances) {
      const auto& status = instance.status;
      table.row({status.id, word_of(status.state), instance.ready ? "yes" : "no",
                 fmt::format("{}:{}", status.address, status.port),
                 fmt::format("{}", status.starts),
                 instance.usage ? short_bytes(instance.usage->memory_bytes) : "",
                 instance.usage ? fmt::format("{:.1f}s", instance.usage->cpu_s) : ""});
    }
  }
  if (table.empty()) return;
  terminal.out << "\n";
  table.print(terminal);
}

void print_problems(const Terminal& terminal, const std::vector<control::EnvironmentView>& views) {
  std::vector<std::string> all;
  for (const auto& view : views) {
    for (auto& problem : problems_of(view)) all.push_back(std::move(problem));
  }
  if (all.empty()) return;
  terminal.out << "\n" << terminal.paint(Ink::kWarn, "Worth a look") << "\n";
  for (const auto& problem : all) terminal.out << "  - " << problem << "\n";
}

Result<std::vector<control::EnvironmentView>> wanted(const Session& session, const Options& options,
                                                     control::Operations& operations) {
  if (!options.target.empty() || !options.environment.empty()) {
    ECLUSE_ASSIGN(const auto key,
                  resolve_environment(session, options, operations, options.target));
    ECLUSE_ASSIGN(auto view, operations.environment(key));
    return std::vector{std::move(view)};
  }
  return operations.status(options.app.substr(0, options.app.find('/')));
}

int status(const Session& session, const Options& options) {
  auto daemon = daemon_of(session, options);
  const auto views = wanted(session, options, *daemon.operations);
  if (!views) return report(session, options, daemon, views.error());
  const auto& terminal = session.terminal;
  if (options.json) {
    terminal.out << api::json_text(*views) << "\n";
    return kDone;
  }
  if (views->empty()) {
    terminal.out << "Nothing is deployed yet. In a repository with ecluse.yml: ecluse deploy\n";
    return kDone;
  }
  print_overview(terminal, *views);
  if (options.instances || !options.target.empty()) print_instances(terminal, *views);
  print_problems(terminal, *views);
  return kDone;
}

}  // namespace

Verb status_verb() {
  return {"status", "The machine", "What is where, and what is wrong",
          [](Arguments& arguments) -> Action {
            auto options = std::make_shared<Options>();
            arguments.positional("ENV", options->target, "Only this one, as lettings/prod");
            declare_target(arguments, *options);
            arguments.flag("-i,--instances", options->instances, "Every instance, too");
            return [options](const Session& session) { return status(session, *options); };
          }};
}

}  // namespace ecluse::cli
