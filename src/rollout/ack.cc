// The answers to effects.

#include <fmt/format.h>

#include <algorithm>

#include "rollout/machine.h"

namespace ecluse::rollout {

namespace {
using std::chrono::milliseconds;

constexpr Duration kPollEvery = milliseconds(100);
constexpr Duration kAskEvery = milliseconds(200);

/// Trying again can help; a wrong input cannot.
bool may_pass(const Error& error) {
  return error.kind == ErrorKind::kUnavailable || error.kind == ErrorKind::kTimeout ||
         error.kind == ErrorKind::kConflict;
}
}  // namespace

void Machine::on(const Ack& ack) {
  const auto found = std::ranges::find(s_.pending, ack.effect, &Effect::id);
  if (found == s_.pending.end()) return;  // late or doubled: the answer was heard or is not wanted
  const Effect effect = *found;
  if (ack.error) return fail_effect(effect, *ack.error);
  s_.pending.erase(found);
  done(effect, ack);
}

void Machine::done(const Effect& effect, const Ack& ack) {
  switch (effect.kind) {
    case EffectKind::kAskLatch:
      return latched(ack.latched);
    case EffectKind::kObserve:
      return observed(effect, ack.sightings);
    case EffectKind::kApplySite:
    case EffectKind::kAbortSite:
      s_.refusals = 0;
      s_.acked = std::max(s_.acked, effect.sequence);
      return;
    case EffectKind::kRunJob:
      return job_done(effect, ack);
    case EffectKind::kStart:
      if (auto* instance = record(effect.release, effect.process, effect.index);
          instance != nullptr && instance->standing == InstanceStanding::kStarting) {
        const bool moved = instance->address != ack.address || instance->port != ack.port;
        instance->standing = InstanceStanding::kRunning;
        instance->address = ack.address;
        instance->port = ack.port;
        if (moved && in_arms(effect.release)) refresh_site();
      }
      return;
    case EffectKind::kStop:
      std::erase_if(s_.instances, [&](const Instance& i) {
        return i.release == effect.release && i.process == effect.process &&
               i.index == effect.index;
      });
      return;
    case EffectKind::kAsk:
      if (ack.answered == effect.release && ack.status > 0 && ack.status < 500) return;
      if (s_.active && !s_.active->stages.empty())
        s_.active->stages.back().detail =
            fmt::format("release {} answered with status {}", ack.answered, ack.status);
      issue(effect).again_at = now_ + kAskEvery;
      out_.pop_back();
      return;
    case EffectKind::kCountInFlight:
      if (ack.in_flight == 0) return;
      issue(effect).again_at = now_ + kPollEvery;
      out_.pop_back();
      return;
    case EffectKind::kSynthesize:
      return synthesized(ack);
    case EffectKind::kGather:
      if (!s_.active) return;
      s_.active->evidence = ack.evidence;
      s_.active->likely_reason = ack.likely_reason;
      return;
    case EffectKind::kExamine:
    case EffectKind::kBackUp:
      if (s_.active && !s_.active->stages.empty()) s_.active->stages.back().detail = ack.detail;
      return;
    case EffectKind::kEnsureServices:
    case EffectKind::kCheckpoint:
    case EffectKind::kDrain:
      return;
  }
}

void Machine::fail_effect(const Effect& effect, const Error& error) {
  const auto pending = std::ranges::find(s_.pending, effect.id, &Effect::id);
  const bool of_the_new = s_.active && s_.active->release == effect.release;
  const bool gives_up = of_the_new && !may_pass(error) && !is_aborting(s_.active->phase);
  const auto why =
      error.hint.empty() ? error.message : fmt::format("{} ({})", error.message, error.hint);
  switch (effect.kind) {
    case EffectKind::kStart:
      if (gives_up) {
        const auto* instance = record(effect.release, effect.process, effect.index);
        const auto suspect = instance == nullptr ? std::string{} : instance_id(s_, *instance);
        return abort(fmt::format("starting {}: {}", suspect, why), suspect);
      }
      break;
    case EffectKind::kEnsureServices:
      if (gives_up) return abort(why);
      break;
    case EffectKind::kBackUp:
      if (gives_up) return abort(fmt::format("no proven backup before its release jobs: {}", why));
      break;
    case EffectKind::kRunJob:
      // Not even a job that could not be started is tried twice: nobody knows how far it came.
      if (error.kind == ErrorKind::kUnavailable) break;
      s_.pending.erase(pending);
      if (of_the_new)
        abort(fmt::format("release job `{}`: {}", s_.active->plan.jobs.at(s_.active->step).command,
                          why));
      return;
    case EffectKind::kExamine:
      if (gives_up && error.kind == ErrorKind::kRefused) return abort(why);
      s_.pending.erase(pending);  // what could not be looked at forbids nothing
      if (of_the_new) s_.active->stages.back().detail = "not examined: " + why;
      return;
    case EffectKind::kGather:
    case EffectKind::kDrain:
      s_.pending.erase(pending);  // best effort: the rollout goes on without it
      return;
    case EffectKind::kApplySite:
    case EffectKind::kAbortSite:
      if (error.kind == ErrorKind::kConflict) return refused_by_the_gateway();
      break;
    case EffectKind::kAskLatch:
    case EffectKind::kObserve:
    case EffectKind::kStop:
    case EffectKind::kAsk:
    case EffectKind::kCheckpoint:
    case EffectKind::kCountInFlight:
    case EffectKind::kSynthesize:
      break;
  }
  pending->attempt += 1;
  pending->again_at = now_ + backoff(pending->attempt);
  if (s_.active && !s_.active->stages.empty()) s_.active->stages.back().detail = why;
}

void Machine::job_done(const Effect& effect, const Ack& ack) {
  if (!s_.active || s_.active->release != effect.release) return;
  auto& r = *s_.active;
  if (ack.exit_code != 0)
    return abort(fmt::format("release job `{}` ended with exit code {}{}{}",
                             r.plan.jobs.at(r.step).command, ack.exit_code,
                             ack.detail.empty() ? "" : ": ", ack.detail));
  if (!r.abort_when_safe.empty()) return abort(r.abort_when_safe);
  if (r.step + 1 >= r.plan.jobs.size()) return;
  begin_job(r.step + 1);
}

}  // namespace ecluse::rollout
