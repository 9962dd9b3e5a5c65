#pragma once
// One step in the making: the next state and its effects. Internal to rollout/.

#include <string>
#include <string_view>
#include <vector>

#include "rollout/event.h"
#include "rollout/step.h"

namespace ecluse::rollout {

constexpr Duration kPauseMax = std::chrono::hours(24);

/// How long an answer may take before the effect is issued again. Longer than the ports' own limits
/// so that in a healthy world nothing is asked twice.
Duration patience(EffectKind kind);
/// After a failure.
Duration backoff(std::uint32_t attempt);

class Machine {
 public:
  Machine(const State& state, TimePoint now);

  void on(const Requested& request);
  void on(const Prepared& prepared);
  void on(const PrepareFailed& failed);
  void on(const Approved& approved);
  void on(const AbortAsked& asked);
  void on(const PauseAsked& asked);
  void on(const ResumeAsked& asked);
  void on(const NowAsked& asked);
  void on(const MaintenanceAsked& asked);
  void on(const Judged& judged);
  void on(const Ack& ack);
  void on(const InstanceChanged& changed);
  void on(const Recovered&);
  void on(const Tick&);

  /// Goes on as far as the present knowledge allows.
  void advance();
  Step finish() &&;

 private:
  // queue.cc, gate.cc, phase.cc, entering.cc, progress.cc, overdue.cc, abort.cc, swap.cc
  void begin();
  void enter(Phase phase);
  void enter_gate();
  void leave_gate();
  void progress();
  bool next_may_begin() const;
  void drop_needless();
  std::string already_serves(model::ReleaseNumber release) const;
  void begin_job(std::size_t index);
  void begin_shifting();
  void jobs_are_done(model::ReleaseNumber release);
  void let_requests_pass();
  void after_commit();
  void after_bake();
  void overdue();
  void give_up(std::string_view complaint);
  std::vector<std::string> unready() const;
  void end(Outcome outcome, std::string reason);
  void abort(const std::string& reason, const std::string& suspect = {});
  void fall_back_to_the_old_release();
  void start_swap(const Requested& request);
  std::optional<Duration> budget(Phase phase) const;

  // trial.cc: what the judge's rulings mean
  bool is_proven() const;
  bool is_condemned() const;
  void next_weight();
  void skip_the_holds();
  void hold_is_over();
  void proceed_when_proven();
  void decide();
  void synthesized(const Ack& ack);
  void stay_undecided(const std::string& why);

  // effect.cc, site.cc, instance.cc, ack.cc, recovery.cc
  Effect& issue(Effect effect);
  void issue_site(std::vector<ArmShare> arms);
  void refresh_site();
  void refresh_awaited_site();
  void want(model::ReleaseNumber release, const Plan& plan, bool traffic);
  void start(Instance& instance);
  void stop_all(model::ReleaseNumber release, bool workers_only);
  template <typename Keep>
  void drop_pending(Keep&& keep) {
    std::erase_if(s_.pending, [&](const Effect& e) { return !keep(e); });
  }
  void fail_effect(const Effect& effect, const Error& error);
  void done(const Effect& effect, const Ack& ack);
  void observed(const Effect& effect, const std::vector<Sighting>& sightings);
  void ask_latch(Duration wait);
  void decide_without_asking();
  void issue_again();
  void refused_by_the_gateway();
  void latched(const std::vector<model::ReleaseNumber>& releases);
  void job_done(const Effect& effect, const Ack& ack);
  void judge(const Instance& instance, const InstanceChanged& news);

  bool is_pending(EffectKind kind) const;
  bool has_instances(model::ReleaseNumber release, bool workers_only = false) const;
  bool all_running(model::ReleaseNumber release, bool traffic) const;
  bool all_ready(model::ReleaseNumber release) const;
  bool any_ready(model::ReleaseNumber release) const;
  bool in_arms(model::ReleaseNumber release) const;
  Instance* record(model::ReleaseNumber release, const std::string& process, int index);

  State s_;
  TimePoint now_;
  std::vector<Effect> out_;
};

}  // namespace ecluse::rollout
