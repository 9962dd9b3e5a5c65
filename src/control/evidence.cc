#include "control/evidence.h"

#include <nlohmann/json.hpp>

#include "base/json_fields.h"
#include "base/text.h"
#include "control/instance_log.h"
#include "control/likely_reason.h"

namespace ecluse::ports {
template <typename V>
void fields(V& v, ProbeResult& x) {
  v("what", x.what);
  v("ok", x.ok);
  v("status", x.status);
  v("detail", x.detail);
  v("at_ms", x.at);
}
template <typename V>
void fields(V& v, Listener& x) {
  v("address", x.address);
  v("port", x.port);
}
}  // namespace ecluse::ports

namespace ecluse::control {

template <typename V>
void fields(V& v, FailureEvidence& x) {
  v("instance", x.instance);
  v("probes", x.probes);
  v("exit_code", x.exit_code);
  v("last_lines", x.last_lines);
  v("listeners", x.listeners);
  v("likely_reason", x.likely_reason);
  v("next_step", x.next_step);
}

namespace {
constexpr std::size_t kLinesMax = 100;

std::vector<std::string> last_lines(const Ports& ports, const std::string& id) {
  const auto chunk = instance_log(ports, id, {.lines_max = kLinesMax});
  if (!chunk) return {};
  auto lines = split(chunk->text, '\n');
  if (!lines.empty() && lines.back().empty()) lines.pop_back();
  if (lines.size() > kLinesMax)
    lines.erase(lines.begin(), lines.end() - static_cast<std::ptrdiff_t>(kLinesMax));
  for (auto& line : lines)
    if (!is_valid_utf8(line)) line = printable(line, line.size());
  return lines;
}

StartFacts facts_of(const FailureEvidence& evidence, const model::Release& release,
                    const rollout::Instance& instance, std::optional<Duration> lived) {
  StartFacts facts{.process = instance.process,
                   .port = instance.port,
                   .probes = evidence.probes,
                   .exit_code = evidence.exit_code,
                   .lived = lived,
                   .last_lines = evidence.last_lines,
                   .listeners = evidence.listeners};
  facts.host = probe_target_of(release, instance, evidence.instance).host;
  if (const auto* process = release.spec.find_process(instance.process)) {
    facts.command = process->command;
    facts.port_is_given = process->port.has_value();
  }
  return facts;
}
}  // namespace

FailureEvidence gather_evidence(const Ports& ports, const Settings&, const model::Release& release,
                                const rollout::Instance& instance, std::optional<Duration> lived) {
  FailureEvidence evidence;
  evidence.instance = model::instance_id({release.key, instance.process, instance.index});
  evidence.probes = ports.prober.recent(evidence.instance);
  for (auto& probe : evidence.probes) {
    probe.detail = ports.secrets.redact(probe.detail);
    if (!is_valid_utf8(probe.detail)) probe.detail = printable(probe.detail, probe.detail.size());
  }
  evidence.exit_code = instance.last_exit;
  if (const auto status = ports.runtime.status(evidence.instance); status && !evidence.exit_code)
    evidence.exit_code = status->last_exit;
  evidence.last_lines = last_lines(ports, evidence.instance);
  if (auto listeners = ports.runtime.listeners(evidence.instance))
    evidence.listeners = std::move(*listeners);
  const auto likely = likely_reason(facts_of(evidence, release, instance, lived));
  evidence.likely_reason = likely.reason;
  evidence.next_step = likely.next_step;
  return evidence;
}

std::string to_text(const FailureEvidence& evidence) {
  nlohmann::json out;
  json_fields::encode(out, evidence);
  return out.dump();
}

Result<FailureEvidence> evidence_from_text(std::string_view text) {
  try {
    FailureEvidence evidence;
    json_fields::decode(nlohmann::json::parse(text), evidence);
    return evidence;
  } catch (const std::exception& error) {
    return fail(ErrorKind::kInvalid, std::string("reading evidence: ") + error.what());
  }
}

}  // namespace ecluse::control
