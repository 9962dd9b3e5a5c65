// Which instances are wanted, and what is known of them.

#include <fmt/format.h>

#include <algorithm>

#include "rollout/machine.h"

namespace ecluse::rollout {

namespace {
constexpr int kExitsWhileBaking = 3;
}  // namespace

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
