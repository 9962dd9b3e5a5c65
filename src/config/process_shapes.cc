#include <fmt/format.h>

#include "config/rules.h"
#include "config/shapes.h"
#include "config/values.h"

namespace ecluse::config::shapes {

namespace {

using namespace std::chrono_literals;

constexpr int kInstancesMax = 1000;
constexpr int kProbesMax = 1000;
constexpr std::uint64_t kMemoryMin = 1 << 20;
constexpr std::uint64_t kMemoryMax = 1ULL << 44;
constexpr double kCpusMin = 0.01;
constexpr double kCpusMax = 1024;

Shape<model::ProbeSpec> probe() {
  const auto path = [] {
    return field("path", &model::ProbeSpec::path, text(url_path_rule()),
                 "what is asked for; any answer below 400 is a success");
  };
  return with_short_form(
      record<model::ProbeSpec>({.name = "probe"},
                               {path(),
                                field("interval", &model::ProbeSpec::interval, duration(100ms, 1h),
                                      "time between two probes"),
                                field("timeout", &model::ProbeSpec::timeout, duration(100ms, 10min),
                                      "how long one answer may take"),
                                field("after", &model::ProbeSpec::after, whole(1, kProbesMax),
                                      "successes in a row until ready"),
                                field("fail", &model::ProbeSpec::fail, whole(1, kProbesMax),
                                      "failures in a row until not ready"),
                                field("start", &model::ProbeSpec::start, duration(1s, 24h),
                                      "how long the first success may take")}),
      path());
}

Shape<model::AutoscaleSpec> autoscale() {
  return record<model::AutoscaleSpec>(
      {.name = "autoscale"},
      {field("min", &model::AutoscaleSpec::min, whole(0, kInstancesMax), "fewest instances"),
       field("max", &model::AutoscaleSpec::max, whole(1, kInstancesMax), "most instances"),
       field("cpu", &model::AutoscaleSpec::cpu, share(), "the load it aims at")});
}

Shape<model::LimitSpec> limits() {
  return record<model::LimitSpec>(
      {.name = "limits"},
      {field("memory", &model::LimitSpec::memory_bytes_max, size(kMemoryMin, kMemoryMax),
             "memory of one instance; above it is killed"),
       field("cpus", &model::LimitSpec::cpus, decimal(kCpusMin, kCpusMax),
             "processors of one instance"),
       field("pids", &model::LimitSpec::pids_max, whole32(1, 4'194'304),
             "processes and threads of one instance")});
}

}  // namespace

Shape<std::map<std::string, model::EnvValue>> variables() {
  return map_of(variable_key(), env_value());
}

Shape<model::ProcessSpec> process() {
  using model::ProcessSpec;
  const auto affinity = word<model::Affinity>(
      {{"none", model::Affinity::kNone}, {"instance", model::Affinity::kInstance}});
  return record<ProcessSpec>(
      {.name = "process"},
      {field("command", &ProcessSpec::command, text(one_line_command_rule()),
             "what runs, inside the release; needed unless an image brings its own"),
       field("instances", &ProcessSpec::instances, whole(0, kInstancesMax), "how many run at once"),
       field("autoscale", &ProcessSpec::autoscale, autoscale(), "as many as the load needs")
           .later("the number of instances stays as it is"),
       field("port", &ProcessSpec::port, port_number(),
             "what the app listens on; absent: it reads $PORT"),
       field("ready", &ProcessSpec::ready, probe(),
             "when an instance may get traffic; absent: its port accepts a connection"),
       field("live", &ProcessSpec::live, probe(), "when an instance must be restarted"),
       field("static", &ProcessSpec::static_paths, map_of(url_path_key(), text(folder_rule())),
             "folders of the release the gateway serves itself, by path"),
       field("routes", &ProcessSpec::routes, list_of(text(url_path_rule())),
             "path prefixes it answers; empty: everything"),
       field("websockets", &ProcessSpec::websockets, list_of(text(url_path_rule())),
             "path prefixes where a WebSocket may be opened; []: nowhere"),
       field("affinity", &ProcessSpec::affinity, affinity,
             "instance: a session stays on one instance"),
       field("root", &ProcessSpec::root, text(folder_rule()),
             "its folder of the repository; empty: the top"),
       field("build", &ProcessSpec::build, build(), "its own build; absent: the app's"),
       field("limits", &ProcessSpec::limits, limits(), "what one instance may use"),
       field("stop_grace", &ProcessSpec::stop_grace, duration(0s, 1h),
             "time between SIGTERM and SIGKILL"),
       field("env", &ProcessSpec::env, variables(), "variables of this process alone")});
}

Shape<model::ServiceSpec> service() {
  using model::ServiceKind;
  const std::string later = "this kind of service is not started";
  const auto kind = [&] {
    return field("kind", &model::ServiceSpec::kind,
                 word<ServiceKind>({{"postgres", ServiceKind::kPostgres},
                                    {"redis", ServiceKind::kRedis},
                                    {"mariadb", ServiceKind::kMariadb, later},
                                    {"mongodb", ServiceKind::kMongodb, later}}),
                 "what it is; with `url` it follows from the address");
  };
  return with_short_form(
      record<model::ServiceSpec>(
          {.name = "service"},
          {kind(),
           field("version", &model::ServiceSpec::version, version(),
                 "major version; empty: what is installed, then pinned"),
           field("url", &model::ServiceSpec::url, env_value(),
                 "an existing one, usually secret:NAME: ecluse starts nothing"),
           field("driver", &model::ServiceSpec::driver, text(rules::driver_name()),
                 "of SQLAlchemy, named in the address that the app gets"),
           field("limits", &model::ServiceSpec::limits, limits(), "what it may use")},
          rules::kind_from_url),
      kind());
}

Shape<model::CronSpec> cron() {
  return record<model::CronSpec>(
      {.name = "cron job", .complete = true},
      {field("every", &model::CronSpec::every, text(rules::schedule()), "when it runs").required(),
       field("run", &model::CronSpec::run, text(command_rule()), "the command").required()});
}

}  // namespace ecluse::config::shapes
