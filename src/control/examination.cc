#include "control/examination.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "base/text.h"
#include "control/launch.h"

namespace ecluse::control {

namespace {
using nlohmann::json;

/// Nobody listens on the discard port of an instance's own network: a connection is refused at
/// once, as by a server that is stopped. The password is a word that nothing else is called by: it
/// is redacted like any other, wherever it stands.
std::optional<std::string> dead_url(model::ServiceKind kind) {
  switch (kind) {
    case model::ServiceKind::kPostgres:
      return "postgresql://examined:no-server-here@127.0.0.1:9/examined";
    case model::ServiceKind::kMariadb:
      return "mysql://examined:no-server-here@127.0.0.1:9/examined";
    case model::ServiceKind::kMongodb:
      return "mongodb://examined:no-server-here@127.0.0.1:9/examined";
    case model::ServiceKind::kRedis:
      break;
  }
  return std::nullopt;
}

const model::ProcessSpec* serving_process(const model::Release& release) {
  for (const auto& process : release.spec.processes)
    if (process.takes_traffic) return &process;
  return nullptr;
}

std::string id_of(const model::Release& release, std::string_view which) {
  return fmt::format(
      "{}-{}",
      model::environment_id(release.key.environment, "exam", std::to_string(release.key.number)),
      which);
}

Result<ports::Launch> launch_for(const Ports& ports, const Settings& settings,
                                 const model::Release& release, const model::ProcessSpec& process,
                                 std::string_view which) {
  ECLUSE_ASSIGN(auto launch,
                launch_of(ports, settings, release, process, id_of(release, which),
                          fmt::format("examination of release {}", release.key.number)));
  launch.restart = false;
  return launch;
}

Result<void> add_secrets(const Ports& ports, ports::ExaminationOrder& order) {
  ECLUSE_ASSIGN(const auto variables, environment_of(ports, order.release, &order.process, 0));
  for (const auto& [name, variable] : variables) {
    const bool of_service = variable.origin == "service" && name.ends_with("PASSWORD");
    if (variable.origin == "secret" || of_service) order.secrets[name] = variable.value;
    if (variable.origin == "secret" || variable.origin == "ecluse.yml") order.given.insert(name);
  }
  return {};
}

Result<ports::ExaminationOrder> order_of(const Ports& ports, const Settings& settings,
                                         const model::Release& release,
                                         const model::ProcessSpec& process) {
  ports::ExaminationOrder order{.release = release, .process = process};
  ECLUSE_ASSIGN(order.launch, launch_for(ports, settings, release, process, "well"));
  ECLUSE_TRY(add_secrets(ports, order));
  auto ill = release;
  ECLUSE_ASSIGN(const auto specs, services_of(ports, release));
  bool has_database = false;
  for (std::size_t i = 0; i < specs.size(); ++i) {
    const auto url = dead_url(specs[i].kind);
    if (!url) continue;
    has_database = true;
    ill.spec.services[i].url = model::EnvValue(*url);
    ECLUSE_ASSIGN(const auto names, ports.services.variables(release.key.environment, {specs[i]}));
    for (const auto& [name, value] : names) order.of_the_database.insert(name);
  }
  if (!has_database) return order;
  ECLUSE_ASSIGN(order.without_database, launch_for(ports, settings, ill, process, "ill"));
  return order;
}

json object_of(const std::string& text) {
  auto root = json::parse(text, nullptr, false);
  return root.is_object() ? root : json::object();
}

json findings_in(const json& root) {
  const auto found = root.value("findings", json::array());
  return found.is_array() ? found : json::array();
}

bool is_of_started(const json& finding) {
  return finding.value("started", false);
}

/// More were found than are kept, so they are counted on, not anew.
void count(json& counts, const json& finding, int by) {
  auto& one = counts[finding.value("severity", "")];
  one = (one.is_null() ? 0 : one.get<int>()) + by;
}
}  // namespace

void examine(const Ports& ports, const Settings& settings, const model::Release& release,
             rollout::Ack& ack) {
  const auto* process = serving_process(release);
  if (!ports.examine || process == nullptr) return;
  const auto order = order_of(ports, settings, release, *process);
  const auto seen = order ? ports.examine(*order) : fail(order.error());
  if (!seen) {
    ack.error = Error{ErrorKind::kUnavailable, ports.secrets.redact(seen.error().message), ""};
    return;
  }
  ack.examination =
      with_examination({}, ports.secrets.redact(seen->report), seen->blocking.empty());
  ack.detail = ports.secrets.redact(seen->summary);
  if (seen->blocking.empty()) return;
  ack.error = Error{
      ErrorKind::kRefused,
      "the running app must not get traffic:\n" + ports.secrets.redact(join(seen->blocking, "\n")),
      "mend it and commit, or accept it under `waivers:` in ecluse.yml with a "
      "reason and a day"};
}

std::string with_examination_due(const std::string& audit) {
  auto root = object_of(audit);
  root["examined"] = "due";
  return root.dump(-1, ' ', false, json::error_handler_t::replace);
}

std::string with_examination(const std::string& audit, const std::string& report, bool passed) {
  auto root = object_of(audit);
  auto findings = json::array();
  auto counts = root.value("counts", json::object());
  for (const auto& each : findings_in(root)) {
    if (is_of_started(each)) {
      count(counts, each, -1);
    } else {
      findings.push_back(each);
    }
  }
  for (auto each : findings_in(object_of(report))) {
    each["started"] = true;
    count(counts, each, 1);
    findings.push_back(std::move(each));
  }
  root["findings"] = std::move(findings);
  root["counts"] = std::move(counts);
  root["examined"] = passed ? "passed" : "blocked";
  return root.dump(-1, ' ', false, json::error_handler_t::replace);
}

bool is_blocked(const std::string& audit) {
  return object_of(audit).value("examined", "") == "blocked";
}

bool is_barred(const std::string& audit) {
  return is_blocked(audit) || object_of(audit).value("examined", "") == "due";
}

std::optional<std::string> passed_examination(const std::string& audit) {
  const auto root = object_of(audit);
  if (root.value("examined", "") != "passed") return std::nullopt;
  auto findings = json::array();
  for (const auto& each : findings_in(root))
    if (is_of_started(each)) findings.push_back(each);
  return json{{"findings", std::move(findings)}}.dump(-1, ' ', false,
                                                      json::error_handler_t::replace);
}

}  // namespace ecluse::control
