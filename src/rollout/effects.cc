#include <fmt/format.h>

#include <algorithm>
#include <cassert>

#include "rollout/machine.h"

namespace ecluse::rollout {

namespace {
using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;

constexpr Duration kPollEvery = milliseconds(100);
constexpr Duration kAskEvery = milliseconds(200);
constexpr Duration kBackoffMax = seconds(10);
constexpr int kExitsWhileBaking = 3;

/// How long an answer may take before the effect is issued again. Longer than the ports' own limits
/// so that in a healthy world nothing is asked twice.
Duration patience(EffectKind kind) {
  switch (kind) {
    case EffectKind::kRunJob:
      return minutes(20);
    case EffectKind::kEnsureServices:
      return minutes(3);
    case EffectKind::kStart:
    case EffectKind::kStop:
      return minutes(2);
    case EffectKind::kAskLatch:
    case EffectKind::kObserve:
    case EffectKind::kApplySite:
    case EffectKind::kAbortSite:
    case EffectKind::kAsk:
    case EffectKind::kCheckpoint:
    case EffectKind::kDrain:
    case EffectKind::kCountInFlight:
    case EffectKind::kGather:
      return seconds(10);
    case EffectKind::kSynthesize:
      return minutes(1);
  }
  return seconds(10);
}

Duration backoff(std::uint32_t attempt) {
  return std::min(kBackoffMax, milliseconds(100) * (1 << std::min(attempt, 7U)));
}

/// Trying again can help; a wrong input cannot.
bool may_pass(const Error& error) {
  return error.kind == ErrorKind::kUnavailable || error.kind == ErrorKind::kTimeout ||
         error.kind == ErrorKind::kConflict;
}
}  // namespace

Machine::Machine(const State& state, TimePoint now) : s_(state), now_(now) {
  s_.ended.clear();
}

Step Machine::finish() && {
  const bool about_traffic =
      std::ranges::any_of(out_, [](const Effect& e) { return is_site_decision(e.kind); });
  if (about_traffic) {
    // A stop never travels with a decision about traffic: it goes with the next tick.
    for (auto& effect : s_.pending)
      for (const auto& issued : out_)
        if (issued.id == effect.id && is_unsafe(effect.kind)) effect.again_at = now_;
    std::erase_if(out_, [](const Effect& e) { return is_unsafe(e.kind); });
  }
  // What a later decision of the same step has dropped is not issued.
  std::erase_if(out_, [&](const Effect& e) {
    return std::ranges::find(s_.pending, e.id, &Effect::id) == s_.pending.end();
  });
  return {std::move(s_), std::move(out_)};
}

Effect& Machine::issue(Effect effect) {
  effect.id = s_.next_effect++;
  effect.again_at = now_ + patience(effect.kind);
  s_.pending.push_back(effect);
  out_.push_back(effect);
  return s_.pending.back();
}

void Machine::issue_site(std::vector<ArmShare> arms) {
  s_.arms = std::move(arms);
  refresh_site();
  if (s_.active) s_.active->await = s_.sequence;
}

void Machine::refresh_site() {
  drop_pending([](const Effect& e) { return !is_site_decision(e.kind); });
  s_.sequence += 1;
  if (s_.recovering) return;  // it is told when it was asked
  Effect effect{.kind = EffectKind::kApplySite, .sequence = s_.sequence};
  if (s_.active) {
    const auto& r = *s_.active;
    effect.fence = r.fence;
    if (r.phase == Phase::kAborting) {
      effect.kind = EffectKind::kAbortSite;
      effect.release = r.release;
    } else if (r.phase == Phase::kSwapping) {
      effect.kind = EffectKind::kAbortSite;
      effect.release = r.from;
      effect.fence = r.latch;
    }
  }
  issue(std::move(effect));
}

Instance* Machine::record(model::ReleaseNumber release, const std::string& process, int index) {
  const auto found = std::ranges::find_if(s_.instances, [&](const Instance& i) {
    return i.release == release && i.process == process && i.index == index;
  });
  return found == s_.instances.end() ? nullptr : &*found;
}

void Machine::want(model::ReleaseNumber release, const Plan& plan, bool traffic) {
  if (release == 0) return;
  for (const auto& process : plan.processes) {
    if (process.traffic != traffic) continue;
    for (int index = 1; index <= process.instances; ++index) {
      if (record(release, process.name, index) != nullptr) continue;
      s_.instances.push_back(
          {.release = release, .process = process.name, .index = index, .traffic = traffic});
      start(s_.instances.back());
    }
  }
}

void Machine::start(Instance& instance) {
  instance.standing = InstanceStanding::kStarting;
  instance.ready = false;
  instance.started_by = issue({.kind = EffectKind::kStart,
                               .release = instance.release,
                               .process = instance.process,
                               .index = instance.index})
                            .id;
}

void Machine::stop_all(model::ReleaseNumber release, bool workers_only) {
  for (auto& instance : s_.instances) {
    if (instance.release != release || (workers_only && instance.traffic)) continue;
    drop_pending([&](const Effect& e) {
      const bool same = e.release == instance.release && e.process == instance.process &&
                        e.index == instance.index;
      return !(same && (e.kind == EffectKind::kStart || e.kind == EffectKind::kStop));
    });
    instance.standing = InstanceStanding::kStopping;
    instance.ready = false;
    issue({.kind = EffectKind::kStop,
           .release = instance.release,
           .process = instance.process,
           .index = instance.index});
  }
}

bool Machine::is_pending(EffectKind kind) const {
  return std::ranges::find(s_.pending, kind, &Effect::kind) != s_.pending.end();
}
bool Machine::has_instances(model::ReleaseNumber release, bool workers_only) const {
  return std::ranges::any_of(s_.instances, [&](const Instance& i) {
    return i.release == release && !(workers_only && i.traffic);
  });
}
bool Machine::all_running(model::ReleaseNumber release, bool traffic) const {
  return std::ranges::all_of(s_.instances, [&](const Instance& i) {
    return i.release != release || i.traffic != traffic || i.standing == InstanceStanding::kRunning;
  });
}
bool Machine::all_ready(model::ReleaseNumber release) const {
  return std::ranges::all_of(s_.instances, [&](const Instance& i) {
    return i.release != release || !i.traffic || i.ready;
  });
}
bool Machine::any_ready(model::ReleaseNumber release) const {
  return std::ranges::any_of(s_.instances,
                             [&](const Instance& i) { return i.release == release && i.ready; });
}
bool Machine::in_arms(model::ReleaseNumber release) const {
  return std::ranges::find(s_.arms, release, &ArmShare::release) != s_.arms.end();
}

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
    case EffectKind::kRunJob:
      // Not even a job that could not be started is tried twice: nobody knows how far it came.
      if (error.kind == ErrorKind::kUnavailable) break;
      s_.pending.erase(pending);
      if (of_the_new)
        abort(fmt::format("release job `{}`: {}", s_.active->plan.jobs.at(s_.active->step), why));
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

void Machine::on(const Tick&) {
  for (auto& effect : s_.pending) {
    const bool held_back = s_.recovering && effect.kind != EffectKind::kAskLatch;
    if (effect.again_at > now_ || held_back) continue;
    effect.attempt += 1;
    effect.again_at = now_ + patience(effect.kind);
    out_.push_back(effect);
  }
  if (!s_.recovering && s_.active && s_.active->deadline && *s_.active->deadline <= now_) overdue();
}

void Machine::job_done(const Effect& effect, const Ack& ack) {
  if (!s_.active || s_.active->release != effect.release) return;
  auto& r = *s_.active;
  if (ack.exit_code != 0)
    return abort(fmt::format("release job `{}` ended with exit code {}{}{}", r.plan.jobs.at(r.step),
                             ack.exit_code, ack.detail.empty() ? "" : ": ", ack.detail));
  if (!r.abort_when_safe.empty()) return abort(r.abort_when_safe);
  if (r.step + 1 >= r.plan.jobs.size()) return;
  r.step += 1;
  enter(Phase::kReleaseJobs);
}

void Machine::on(const Recovered&) {
  s_.recovering = true;
  drop_pending([](const Effect& e) {
    return e.kind != EffectKind::kAskLatch && e.kind != EffectKind::kObserve;
  });
  s_.refusals = 0;
  if (s_.active && s_.active->release != 0) {
    ask_latch(Duration::zero());
  } else {
    latched({});
  }
}

void Machine::ask_latch(Duration wait) {
  s_.recovering = true;
  drop_pending([](const Effect& e) { return e.kind != EffectKind::kAskLatch; });
  auto& effect =
      issue({.kind = EffectKind::kAskLatch, .fence = s_.active ? s_.active->fence : std::string{}});
  if (wait == Duration::zero()) return;
  effect.again_at = now_ + wait;
  out_.pop_back();
}

/// It knows of a newer decision, or of an abort that was under way when its sender was killed and
/// came after we had asked. Which of them, only the gateway can say.
void Machine::refused_by_the_gateway() {
  const auto wait = backoff(s_.refusals++);
  drop_pending([](const Effect& e) { return !is_site_decision(e.kind); });
  ask_latch(wait);
}

void Machine::decide_without_asking() {
  if (!s_.recovering) return;
  s_.recovering = false;
  drop_pending([](const Effect& e) { return e.kind != EffectKind::kAskLatch; });
  if (s_.refusals == 0) issue_again();
}

/// What was under way when this process started. After a reboot the recorded targets are gone: the
/// site is told anew when they were looked at.
void Machine::issue_again() {
  for (auto& effect : s_.pending) {
    effect.again_at = now_ + patience(effect.kind);
    if (!is_site_decision(effect.kind)) out_.push_back(effect);
  }
  issue({.kind = EffectKind::kObserve});
}

void Machine::latched(const std::vector<model::ReleaseNumber>& releases) {
  s_.recovering = false;
  const bool has_just_started = s_.refusals == 0;
  const bool aborted =
      s_.active && std::ranges::find(releases, s_.active->release) != releases.end();
  // The old release is being stopped: there is nothing left to go back to.
  if (aborted && s_.active->phase == Phase::kStoppingOld) s_.active->fence.clear();
  if (has_just_started) {
    issue_again();
  } else {
    refresh_awaited_site();
  }
  if (!aborted || is_aborting(s_.active->phase)) return;
  const auto* reason = "the gateway had latched its abort when ecluse was killed: it stands";
  if (s_.active->phase != Phase::kSwapping) return abort(reason);
  // Nobody aborts a swap, but its commit may be what the crash took, and an abort came after that.
  s_.active->reason = reason;
  enter(Phase::kAborting);
}

void Machine::refresh_awaited_site() {
  const bool awaits = s_.active && s_.acked < s_.active->await;
  refresh_site();
  if (awaits) s_.active->await = s_.sequence;
}

void Machine::observed(const Effect& effect, const std::vector<Sighting>& sightings) {
  for (auto& instance : s_.instances) {
    // What was started after the question may be missing in the answer.
    const bool is_newer = instance.started_by > effect.id;
    if (instance.standing == InstanceStanding::kStopping || is_newer) continue;
    const auto seen = std::ranges::find_if(sightings, [&](const Sighting& sighting) {
      return sighting.release == instance.release && sighting.process == instance.process &&
             sighting.index == instance.index;
    });
    const bool runs = seen != sightings.end() && seen->running;
    if (!runs) {
      const bool asked = std::ranges::any_of(s_.pending, [&](const Effect& e) {
        return e.kind == EffectKind::kStart && e.release == instance.release &&
               e.process == instance.process && e.index == instance.index;
      });
      instance.ready = false;
      if (!asked) start(instance);
      continue;
    }
    instance.address = seen->address;
    instance.port = seen->port;
  }
  for (const auto& sighting : sightings) {
    if (record(sighting.release, sighting.process, sighting.index) != nullptr) continue;
    // What we have no record of was started by an effect that outlived its decision.
    issue({.kind = EffectKind::kStop,
           .release = sighting.release,
           .process = sighting.process,
           .index = sighting.index});
  }
  if (s_.sequence > 0) refresh_awaited_site();
}

void Machine::on(const InstanceChanged& changed) {
  const auto* found = find_instance(s_, changed.instance);
  if (found == nullptr || found->standing == InstanceStanding::kStopping) return;
  auto& instance = *record(found->release, found->process, found->index);
  const bool was_ready = instance.ready;
  switch (changed.news) {
    case InstanceNews::kStarted:
      return;
    case InstanceNews::kReady:
      instance.ready = instance.was_ready = true;
      break;
    case InstanceNews::kUnready:
    case InstanceNews::kDead:
    case InstanceNews::kCrashLooping:
      instance.ready = false;
      break;
    case InstanceNews::kExited:
      instance.ready = false;
      instance.exits += 1;
      instance.last_exit = changed.exit_code;
      break;
    case InstanceNews::kStopped:
      if (instance.standing == InstanceStanding::kRunning) start(instance);
      break;
  }
  if (was_ready != instance.ready && in_arms(instance.release)) refresh_awaited_site();
  if (!s_.recovering) judge(Instance(instance), changed);
}

void Machine::judge(const Instance& instance, const InstanceChanged& news) {
  if (!s_.active || instance.release != s_.active->release || !is_armed(s_.active->phase)) return;
  const auto& r = *s_.active;
  const auto id = instance_id(s_, instance);
  // After the commit only a live old release is worth going back to, and a rollback was a person's
  // decision: its facts are shown, not acted on.
  const bool old_lives = r.from != 0 && any_ready(r.from);
  if (r.committed && (!old_lives || r.kind == Kind::kRollback)) return;
  switch (news.news) {
    case InstanceNews::kExited:
      if (r.committed && instance.exits < kExitsWhileBaking) return;
      return abort(fmt::format("{} exited with code {}", id, news.exit_code), id);
    case InstanceNews::kCrashLooping:
      return abort(fmt::format("{} crashes again and again", id), id);
    case InstanceNews::kUnready:
    case InstanceNews::kDead: {
      const bool has_traffic = in_arms(r.release);
      // When the old release is red as well, it is an incident of both: going back helps nobody.
      const bool shared = r.from != 0 && r.from_plan.has_traffic() && !old_lives;
      const bool hopeless = r.committed ? !any_ready(r.release) : instance.was_ready;
      if (!has_traffic || shared || !hopeless) return;
      return abort(fmt::format("{} lost its readiness: {}", id, news.detail), id);
    }
    case InstanceNews::kStarted:
    case InstanceNews::kStopped:
    case InstanceNews::kReady:
      return;
  }
}

}  // namespace ecluse::rollout
