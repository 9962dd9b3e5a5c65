#include "control/audit.h"

#include <fmt/format.h>

#include <map>
#include <nlohmann/json.hpp>

namespace ecluse::control {

namespace {
using rollout::Rollout;
using rollout::State;

std::map<std::string, const Rollout*> rollouts_of(const State& state) {
  std::map<std::string, const Rollout*> out;
  if (state.active) out[state.active->id] = &*state.active;
  if (state.queued) out[state.queued->id] = &*state.queued;
  for (const auto& ended : state.ended) out[ended.id] = &ended;
  return out;
}

class Auditor {
 public:
  Auditor(const State& after, const std::string& actor, TimePoint at, WallTime wall)
      : after_(after), actor_(actor), at_(at), wall_(wall) {}

  void say(const std::string& kind, const nlohmann::json& body) {
    events_.push_back(
        {.at = at_,
         .wall = wall_,
         .subject = to_string(after_.key),
         .kind = kind,
         .actor = actor_.empty() ? "ecluse" : actor_,
         .body = body.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace)});
  }

  void rollout(const Rollout* before, const Rollout& now) {
    nlohmann::json body = {{"rollout", now.id}, {"release", now.release}};
    if (before == nullptr) {
      body["what"] = to_string(now.kind);
      body["commit"] = now.commit;
      body["reason"] = now.asked_because;
      if (!now.without_backup.empty()) body["without_backup"] = now.without_backup;
      say("rollout.requested", body);
    }
    if (before != nullptr) wishes(*before, now);
    const auto phase_before = before == nullptr ? rollout::Phase::kQueued : before->phase;
    const bool again = before != nullptr && before->step != now.step;
    if (now.outcome != rollout::Outcome::kRunning) {
      body["reason"] = now.likely_reason.empty()
                           ? now.reason
                           : fmt::format("{}; {}", now.reason, now.likely_reason);
      return say(fmt::format("rollout.{}", to_string(now.outcome)), body);
    }
    if (now.phase == phase_before && !again) return;
    body["phase"] = to_string(now.phase);
    if (!now.stages.empty()) body["stage"] = now.stages.back().name;
    if (now.phase == rollout::Phase::kAborting) body["reason"] = now.reason;
    if (now.phase == rollout::Phase::kGated) body["waiting_for"] = now.waits_for;
    say("rollout.phase", body);
  }

  /// What people and the judge have said since.
  void wishes(const Rollout& before, const Rollout& now) {
    nlohmann::json body = {{"rollout", now.id}, {"release", now.release}};
    if (before.approved != now.approved) say("rollout.approved", body);
    if (before.paused != now.paused) say(now.paused ? "rollout.paused" : "rollout.resumed", body);
    if (!before.decided && now.decided) say("rollout.decided", body);
    if (!before.now && now.now) {
      body["reason"] = now.hurried_because;
      say("rollout.hurried", body);
    }
    if (!now.verdict || (before.verdict && before.verdict->ruling == now.verdict->ruling)) return;
    say("rollout.judged", {{"rollout", now.id},
                           {"release", now.release},
                           {"ruling", to_string(now.verdict->ruling)},
                           {"objective", now.verdict->objective},
                           {"reason", now.verdict->reason}});
  }

  void instance(const rollout::Instance& before, const rollout::Instance& now) {
    if (before.ready == now.ready && before.exits == now.exits) return;
    const auto id = instance_id(after_, now);
    if (before.ready != now.ready)
      say(now.ready ? "instance.ready" : "instance.unready", {{"instance", id}});
    if (before.exits != now.exits)
      say("instance.exited", {{"instance", id}, {"code", now.last_exit.value_or(-1)}});
  }

  std::vector<ports::StoredEvent> take() { return std::move(events_); }

 private:
  const State& after_;
  const std::string& actor_;
  TimePoint at_;
  WallTime wall_;
  std::vector<ports::StoredEvent> events_;
};

const rollout::Instance* same(const State& state, const rollout::Instance& wanted) {
  for (const auto& instance : state.instances)
    if (instance.release == wanted.release && instance.process == wanted.process &&
        instance.index == wanted.index)
      return &instance;
  return nullptr;
}
}  // namespace

std::vector<ports::StoredEvent> audit(const State& before, const State& after,
                                      const std::string& actor, TimePoint at, WallTime wall) {
  Auditor auditor(after, actor, at, wall);
  const auto old = rollouts_of(before);
  for (const auto& [id, rollout] : rollouts_of(after)) {
    const auto found = old.find(id);
    auditor.rollout(found == old.end() ? nullptr : found->second, *rollout);
  }
  for (const auto& instance : after.instances)
    if (const auto* earlier = same(before, instance)) auditor.instance(*earlier, instance);
  if (before.maintenance != after.maintenance)
    auditor.say(after.maintenance ? "maintenance.on" : "maintenance.off", nlohmann::json::object());
  return auditor.take();
}

ports::StoredEvent event_of(const std::string& subject, const std::string& kind,
                            const std::string& actor,
                            const std::vector<std::pair<std::string, std::string>>& body,
                            TimePoint at, WallTime wall) {
  nlohmann::json json = nlohmann::json::object();
  for (const auto& [name, value] : body) json[name] = value;
  return {.at = at,
          .wall = wall,
          .subject = subject,
          .kind = kind,
          .actor = actor,
          .body = json.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace)};
}

}  // namespace ecluse::control
