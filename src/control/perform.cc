#include "control/perform.h"

#include <fmt/format.h>

#include <algorithm>
#include <exception>

#include "base/unforeseen.h"
#include "control/evidence.h"
#include "control/examination.h"
#include "control/launch.h"
#include "control/secret_versions.h"

namespace ecluse::control {

namespace {
using rollout::Ack;
using rollout::EffectKind;

/// Stops of connections that will not end by themselves: WebSockets get this long.
constexpr Duration kWebsocketBudgetMax = std::chrono::seconds(10);

template <typename T>
bool failed(Ack& ack, Result<T>& result) {
  if (result) return false;
  ack.error = std::move(result).error();
  return true;
}

Result<void> ensure_services(const Ports& ports, const model::Release& release) {
  ECLUSE_ASSIGN(const auto specs, services_of(ports, release));
  for (const auto& service : specs) {
    const auto ensured = ports.services.ensure(release.key.environment, service);
    if (!ensured) return fail(in_context(fmt::format("service {}", service.name), ensured.error()));
  }
  return {};
}

void start(const Ports& ports, const Settings& settings, const Order& order, Ack& ack) {
  const auto& release = *order.release;
  const auto* process = release.spec.find_process(order.effect.process);
  if (process == nullptr) {
    ack.error =
        Error{ErrorKind::kInternal,
              fmt::format("release {} has no process {}", release.key.number, order.effect.process),
              {}};
    return;
  }
  if (order.ensure_services) {
    auto ensured = ensure_services(ports, release);
    if (failed(ack, ensured)) return;
  }
  auto launch = launch_of(ports, settings, release, *process, order.effect.index);
  if (failed(ack, launch)) return;
  auto status = ports.runtime.start(*launch);
  if (failed(ack, status)) return;
  ack.address = status->address;
  ack.port = status->port != 0 ? status->port : launch->port.value_or(0);
}

void back_up(const Ports& ports, const Order& order, Ack& ack) {
  if (ports.backups == nullptr) {
    ack.error = Error{ErrorKind::kRefused, "ecluse cannot make backups yet",
                      "make one yourself, then --without-backup REASON"};
    return;
  }
  auto services = services_of(ports, *order.release);
  if (failed(ack, services)) return;
  ports::BackupRequest request{order.key, order.effect.release, std::move(*services), {}};
  for (const auto& [name, path] : order.release->spec.volumes) request.volumes.push_back(name);
  auto proven = ports.backups->prove(request);
  if (!failed(ack, proven)) ack.detail = proven->words;
}

void run_job(const Ports& ports, const Settings& settings, const Order& order, Ack& ack) {
  const auto& release = *order.release;
  const auto index = static_cast<std::size_t>(order.effect.index);
  auto launch = job_launch_of(ports, settings, release, index);
  if (failed(ack, launch)) return;
  const auto& job = release.spec.release.at(index);
  const auto stage = fmt::format("release job {}", job.run);
  std::string error;  // what tools print behind it is rarely the reason
  const auto sink = [&](std::string_view line) {
    ack.detail = ports.secrets.redact(line);
    if (line.find("Error: ") != std::string_view::npos) error = ack.detail;
    ports.stage_logs.append(order.rollout, stage, ack.detail);
  };
  auto code = ports.runtime.run_job(*launch, job.timeout, sink);
  if (failed(ack, code)) return;
  ack.exit_code = *code;
  if (*code != 0 && !error.empty()) ack.detail = error;
}

void observe(const Ports& ports, const Order& order, Ack& ack) {
  auto all = ports.runtime.list();
  if (failed(ack, all)) return;
  for (const auto& status : *all) {
    if (status.app != order.key.app || status.environment != order.key.environment) continue;
    const auto key = instance_key_of(status);
    if (!key) continue;
    const bool runs = status.state == ports::InstanceState::kStarting ||
                      status.state == ports::InstanceState::kRunning ||
                      status.state == ports::InstanceState::kBackingOff ||
                      status.state == ports::InstanceState::kCrashLooping;
    ack.sightings.push_back(
        {key->release.number, key->process, key->index, runs, status.address, status.port});
  }
}

std::string verify_path(const model::Release& release) {
  for (const auto& process : release.spec.processes) {
    if (!process.takes_traffic || !process.ready) continue;
    const bool at_the_top =
        process.routes.empty() || std::ranges::find(process.routes, "/") != process.routes.end();
    if (at_the_top) return process.ready->path;
  }
  for (const auto& process : release.spec.processes)
    if (process.takes_traffic && !process.routes.empty()) return process.routes.front();
  return "/";
}

void ask(const Ports& ports, const Order& order, Ack& ack) {
  auto answer = ports.traffic.ask(order.key, order.effect.release, verify_path(*order.release));
  if (failed(ack, answer)) return;
  ack.answered = answer->release;
  ack.status = answer->status;
}

/// The same requests to the new release and to the old one, as users would send them.
void synthesize(const Ports& ports, const Order& order, Ack& ack) {
  constexpr std::uint32_t kRequests = 20;
  constexpr std::uint32_t kErrorsMax = 3;  // more say no more, and each may take its whole timeout
  const auto path = verify_path(*order.release);
  const auto fails = [&](model::ReleaseNumber release) {
    const auto answer = ports.traffic.ask(order.key, release, path);
    return !answer || answer->release != release || answer->status <= 0 || answer->status >= 500;
  };
  while (ack.synthetic < kRequests && ack.synthetic_errors < kErrorsMax) {
    ack.synthetic += 1;
    ack.synthetic_errors += fails(order.effect.release) ? 1 : 0;
    ack.synthetic_errors_old += fails(order.from) ? 1 : 0;
  }
}

/// WebSockets are told to come back while half of the drain is left: at its end the instance stops,
/// and whoever still talks to it would be cut off without a word.
Duration websocket_budget(const Order& order) {
  if (!order.release) return Duration::zero();
  return std::min(kWebsocketBudgetMax, Duration(order.release->spec.drain / 2));
}

void count(const Ports& ports, const Order& order, Ack& ack) {
  auto counters = ports.traffic.counters(order.key);
  if (failed(ack, counters)) return;
  const auto arm = counters->arms.find(order.effect.release);
  if (arm != counters->arms.end()) ack.in_flight = arm->second.in_flight;
}

void apply(const Ports& ports, const Settings& settings, const Order& order, Ack& ack) {
  auto site = order.site;
  for (const auto& release : order.routed) {
    auto added = add_folders(ports, settings, *release, site);
    if (failed(ack, added)) return;
  }
  if (order.leading) {
    auto guarded = protect(ports, *order.leading, site);
    if (failed(ack, guarded)) return;
    auto paged = add_pages(ports, settings, *order.leading, site);
    if (failed(ack, paged)) return;
  }
  auto applied = order.effect.kind == EffectKind::kAbortSite
                     ? ports.traffic.abort(site, order.effect.release, order.fence)
                     : ports.traffic.apply(site, order.fence);
  failed(ack, applied);
}

Ack answer_to(const Ports& ports, const Settings& settings, const Order& order) {
  Ack ack{.effect = order.effect.id};
  switch (order.effect.kind) {
    case EffectKind::kAskLatch: {
      auto releases = ports.traffic.latched(order.effect.fence);
      if (!failed(ack, releases)) ack.latched = std::move(*releases);
      break;
    }
    case EffectKind::kObserve:
      observe(ports, order, ack);
      break;
    case EffectKind::kEnsureServices: {
      auto ensured = ensure_services(ports, *order.release);
      failed(ack, ensured);
      break;
    }
    case EffectKind::kBackUp:
      back_up(ports, order, ack);
      break;
    case EffectKind::kRunJob:
      run_job(ports, settings, order, ack);
      break;
    case EffectKind::kStart:
      start(ports, settings, order, ack);
      break;
    case EffectKind::kStop: {
      auto stopped = ports.runtime.stop(model::instance_id(
          {{order.key, order.effect.release}, order.effect.process, order.effect.index}));
      failed(ack, stopped);
      break;
    }
    case EffectKind::kApplySite:
    case EffectKind::kAbortSite:
      apply(ports, settings, order, ack);
      break;
    case EffectKind::kAsk:
      ask(ports, order, ack);
      break;
    case EffectKind::kCheckpoint:
      break;  // it started after its commit: that was the question
    case EffectKind::kDrain: {
      auto drained = ports.traffic.drain(order.key, order.effect.release, websocket_budget(order));
      failed(ack, drained);
      break;
    }
    case EffectKind::kCountInFlight:
      count(ports, order, ack);
      break;
    case EffectKind::kSynthesize:
      synthesize(ports, order, ack);
      break;
    case EffectKind::kExamine:
      examine(ports, settings, *order.release, ack);
      break;
    case EffectKind::kGather: {
      const auto evidence =
          gather_evidence(ports, settings, *order.release, order.instance, order.lived);
      ack.evidence = to_text(evidence);
      ack.likely_reason = evidence.likely_reason;
      break;
    }
  }
  return ack;
}

using pipeline::State;

ports::LineSink stage_sink(const Ports& ports, const State& state) {
  return [&ports, id = state.id, stage = state.stages.back().name](std::string_view line) {
    ports.stage_logs.append(id, stage, ports.secrets.redact(line));
  };
}

template <typename T>
bool failed(PipelineAnswer& answer, Result<T>& result) {
  if (result) return false;
  answer.ack.error = std::move(result).error();
  return true;
}

void check(const Ports& ports, const State& state, std::size_t index, PipelineAnswer& answer) {
  auto outcome =
      ports.builder.check({state.draft.commit, state.draft.spec, index}, stage_sink(ports, state));
  if (failed(answer, outcome)) return;
  answer.ack.exit_code = outcome->exit_code;
  answer.ack.coverage = outcome->coverage;
  answer.ack.last_lines = ports.secrets.redact(outcome->last_lines);
}

void build(const Ports& ports, const State& state, PipelineAnswer& answer) {
  auto inlined = inlined_variables(ports, state.draft.spec);
  if (failed(answer, inlined)) return;
  auto artifact = ports.builder.build({state.draft.commit, state.draft.spec, std::move(*inlined)},
                                      stage_sink(ports, state));
  if (!failed(answer, artifact)) answer.ack.artifact = std::move(*artifact);
}

void seal(const Ports& ports, const Settings& settings, const State& state,
          PipelineAnswer& answer) {
  auto versions = newest_secrets(ports, state.draft.key.environment, state.draft.spec);
  if (failed(answer, versions)) return;
  answer.ack.secret_versions = std::move(*versions);
  if (settings.machine) answer.facts.machine = settings.machine();
  const auto status = ports.services.status(state.draft.key.environment, state.draft.spec.services);
  if (!status) return;  // admission then does without the database's limit
  for (const auto& service : *status) {
    if (service.connections_max == 0) continue;
    const auto known = answer.facts.connections_max.value_or(service.connections_max);
    answer.facts.connections_max = std::min(known, service.connections_max);
  }
}

PipelineAnswer answer_to(const Ports& ports, const Settings& settings, const State& state,
                         const pipeline::Effect& effect) {
  PipelineAnswer answer;
  answer.ack.effect = effect.id;
  switch (effect.kind) {
    case pipeline::EffectKind::kVerify: {
      auto path = ports.builder.path_of(state.draft.artifact.digest);
      failed(answer, path);
      break;
    }
    case pipeline::EffectKind::kCheck:
      check(ports, state, effect.index, answer);
      break;
    case pipeline::EffectKind::kBuild:
      build(ports, state, answer);
      break;
    case pipeline::EffectKind::kSeal:
      if (!state.keep_secrets) seal(ports, settings, state, answer);
      break;
  }
  return answer;
}

}  // namespace

// An exception would end ecluse, whose next start would begin with the same effect.

Ack perform(const Ports& ports, const Settings& settings, const Order& order) {
  try {
    return answer_to(ports, settings, order);
  } catch (const std::exception& thrown) {
    return {.effect = order.effect.id, .error = unforeseen(thrown)};
  }
}

PipelineAnswer perform(const Ports& ports, const Settings& settings, const pipeline::State& state,
                       const pipeline::Effect& effect) {
  try {
    return answer_to(ports, settings, state, effect);
  } catch (const std::exception& thrown) {
    return {.ack = {.effect = effect.id, .error = unforeseen(thrown)}};
  }
}

}  // namespace ecluse::control
