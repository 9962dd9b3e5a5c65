#include "rollout/state_json.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "base/json_text.h"
#include "model/fields.h"
#include "rollout/names.h"

namespace ecluse::rollout {

template <typename V>
void fields(V& v, ProcessPlan& x) {
  v("name", x.name);
  v("instances", x.instances);
  v("traffic", x.traffic);
}
template <typename V>
void fields(V& v, JobPlan& x) {
  v("command", x.command);
  v("timeout_ms", x.timeout);
  v("backup", x.backup);
  v("blocking", x.blocking);
}
template <typename V>
void fields(V& v, Plan& x) {
  v("processes", x.processes);
  v("jobs", x.jobs);
  v("weights_ppm", x.weights_ppm);
  v("hold_ms", x.hold);
  v("start_budget_ms", x.start_budget);
  v("drain_ms", x.drain);
  v("bake_ms", x.bake);
  v("warm", x.warm);
  v("examine", x.examine);
  v("inconclusive", x.inconclusive);
  v("no_traffic", x.no_traffic);
}
template <typename V>
void fields(V& v, Effect& x) {
  v("id", x.id);
  v("kind", x.kind);
  v("release", x.release);
  v("process", x.process);
  v("index", x.index);
  v("sequence", x.sequence);
  v("fence", x.fence);
  v("attempt", x.attempt);
  v("again_at_ms", x.again_at);
}
template <typename V>
void fields(V& v, Stage& x) {
  v("name", x.name);
  v("began_ms", x.began);
  v("ended_ms", x.ended);
  v("failed", x.failed);
  v("detail", x.detail);
}
template <typename V>
void fields(V& v, Verdict& x) {
  v("ruling", x.ruling);
  v("objective", x.objective);
  v("reason", x.reason);
  v("evidence", x.evidence);
  v("canary_requests", x.canary_requests);
}
template <typename V>
void fields(V& v, Rollout& x) {
  v("id", x.id);
  v("fence", x.fence);
  v("kind", x.kind);
  v("phase", x.phase);
  v("release", x.release);
  v("from", x.from);
  v("previous", x.previous);
  v("plan", x.plan);
  v("from_plan", x.from_plan);
  v("run_jobs", x.run_jobs);
  v("without_backup", x.without_backup);
  v("commit", x.commit);
  v("actor", x.actor);
  v("asked_because", x.asked_because);
  v("gate", x.gate);
  v("approved", x.approved);
  v("waits_for", x.waits_for);
  v("prepared", x.prepared);
  v("paused", x.paused);
  v("now", x.now);
  v("hurried_because", x.hurried_because);
  v("committed", x.committed);
  v("step", x.step);
  v("await", x.await);
  v("latch", x.latch);
  v("suspect", x.suspect);
  v("abort_when_safe", x.abort_when_safe);
  v("outcome", x.outcome);
  v("reason", x.reason);
  v("evidence", x.evidence);
  v("likely_reason", x.likely_reason);
  v("verdict", x.verdict);
  v("decided", x.decided);
  v("began_ms", x.began);
  v("entered_ms", x.entered);
  v("deadline_ms", x.deadline);
  v("stages", x.stages);
}
template <typename V>
void fields(V& v, Instance& x) {
  v("release", x.release);
  v("process", x.process);
  v("index", x.index);
  v("traffic", x.traffic);
  v("standing", x.standing);
  v("address", x.address);
  v("port", x.port);
  v("ready", x.ready);
  v("was_ready", x.was_ready);
  v("exits", x.exits);
  v("last_exit", x.last_exit);
  v("started_by", x.started_by);
}
template <typename V>
void fields(V& v, ArmShare& x) {
  v("release", x.release);
  v("weight_ppm", x.weight_ppm);
}
template <typename V>
void fields(V& v, State& x) {
  v("key", x.key);
  v("stable", x.stable);
  v("stable_plan", x.stable_plan);
  v("stopped", x.stopped);
  v("maintenance", x.maintenance);
  v("holding", x.holding);
  v("arms", x.arms);
  v("sequence", x.sequence);
  v("acked", x.acked);
  v("next_effect", x.next_effect);
  v("next_rollout", x.next_rollout);
  v("next_release", x.next_release);
  v("jobs_done", x.jobs_done);
  v("instances", x.instances);
  v("pending", x.pending);
  v("active", x.active);
  v("queued", x.queued);
}

namespace {
template <typename T>
Result<T> value_of(std::string_view text, std::string_view what) {
  try {
    T value;
    json_fields::decode(nlohmann::json::parse(text), value);
    return value;
  } catch (const std::exception& error) {
    return fail(ErrorKind::kInvalid, fmt::format("reading {}: {}", what, error.what()));
  }
}
}  // namespace

std::string to_text(const State& state) {
  return json_fields::text_of(state);
}
Result<State> state_from_text(std::string_view text) {
  return value_of<State>(text, "the state of an environment");
}
std::string to_text(const Rollout& rollout) {
  return json_fields::text_of(rollout);
}
Result<Rollout> rollout_from_text(std::string_view text) {
  return value_of<Rollout>(text, "a rollout");
}

}  // namespace ecluse::rollout
