#include "sim/checkers.h"

#include <fmt/format.h>

#include <algorithm>

#include "control/launch.h"

namespace ecluse::sim {

using rollout::Phase;

Checkers::Checkers(World& world) : world_(world) {
  world_.witness = [this](const auto& before, const auto& step) { on_step(before, step); };
  world_.runtime.before_start = [this](const auto& launch) { before_start(launch); };
  world_.runtime.before_job = [this](const auto& launch) { before_job(launch); };
  world_.runtime.before_stop = [this](const auto& id) { before_stop(id); };
  world_.traffic.on_swap = [this](const auto& site, const auto& fence) { on_swap(site, fence); };
  world_.store.before_commit = [this](const auto& batch) { on_commit(batch); };
  world_.traffic.on_latched_weight = [this](const auto& site, const auto& fence) {
    on_latched_weight(site, fence);
  };
}

/// The gateway refuses it, so nobody is hurt. A dead control plane's late abort may come after the
/// living one has asked; then it learns of it by a refusal. A decision that it made before it heard
/// one may be sent as often as nobody answers; what it decides afterwards insists.
void Checkers::on_latched_weight(const ports::Site& site, const ports::Fence& fence) {
  if (!world_.engine || fence.term != world_.engine->term()) return;
  const auto& key = site.key;
  const auto known = world_.latched_at_boot.find(fence.rollout);
  for (const auto& arm : site.arms)
    if (known != world_.latched_at_boot.end() && known->second.contains(arm.release) &&
        arm.weight_ppm > 0)
      violated("4 an abort stands",
               fmt::format("release {} of {} was given weight by a control plane that began after "
                           "its abort was latched",
                           arm.release, to_string(key)));
  const auto heard = refused_at_.find({key, fence.term});
  if (heard == refused_at_.end() || fence.sequence <= heard->second) return;
  if (++insisted_[{fence.term, fence.rollout}] > kInsistedMax)
    violated("4 an abort stands",
             fmt::format("{} was given weight again and again after its abort was latched",
                         to_string(key)));
}

void Checkers::on_refusal(const rollout::State& before, const rollout::State& next) {
  if (next.refusals > before.refusals)
    refused_at_[{next.key, world_.engine->term()}] = before.sequence;
}

void Checkers::violated(std::string invariant, std::string message) {
  message += fmt::format(", at {} ms", world_.scheduler.now().time_since_epoch().count());
  violations_.push_back({std::move(invariant), std::move(message)});
}

void Checkers::on_step(const rollout::State& before, const rollout::Step& step) {
  on_recovered(before, step);
  on_refusal(before, step.next);
  on_trial(before, step.next);
  on_phase(before, step.next);
  on_abort(before, step.next);
  on_jobs(before, step.next);
  on_evidence(before);
  const bool stops =
      std::ranges::any_of(step.effects, [](const rollout::Effect& e) { return is_unsafe(e.kind); });
  const bool decides = std::ranges::any_of(
      step.effects, [](const rollout::Effect& e) { return is_site_decision(e.kind); });
  if (stops && decides)
    violated("1 unsafe effects travel alone", "a stop and a decision about traffic in one list");
  const auto& state = step.next;
  if (decides && state.recovering)
    violated("4 an abort stands", fmt::format("{} was decided about before the gateway was asked",
                                              to_string(state.key)));
  for (const auto& arm : state.arms) {
    const auto fit = world_.fit.find({state.key, arm.release});
    if (arm.weight_ppm > 0 && fit != world_.fit.end() && !fit->second)
      violated("3 what must not get traffic gets none",
               fmt::format("release {} of {} has weight", arm.release, to_string(state.key)));
  }
  if (!state.active) return;
  const auto& r = *state.active;
  on_fence(r);
  const bool pipeline_runs = r.phase == Phase::kPreparing && world_.engine != nullptr;
  if (!rollout::deadline(state) && !pipeline_runs)
    violated("5 every state has a deadline",
             fmt::format("{} is {} and nothing will ever happen", r.id, to_string(r.phase)));
  const bool past_the_gate = r.phase >= Phase::kEnsuringServices && r.phase <= Phase::kBaking;
  if (past_the_gate && r.gate != rollout::Gate::kNone && !r.approved)
    violated("3 gates", fmt::format("{} is {} without its approval", r.id, to_string(r.phase)));
}

/// What was under way when it died is issued again, at once and not when somebody's patience ends.
void Checkers::on_recovered(const rollout::State& before, const rollout::Step& step) {
  const bool has_recovered = before.recovering && !step.next.recovering && before.refusals == 0;
  if (!has_recovered) return;
  for (const auto& effect : step.next.pending) {
    const bool was_under_way = effect.id < before.next_effect && !is_site_decision(effect.kind);
    const bool issued =
        std::ranges::find(step.effects, effect.id, &rollout::Effect::id) != step.effects.end();
    // A stop waits for the tick when a decision about traffic goes first.
    if (was_under_way && !issued && !is_unsafe(effect.kind))
      violated("5 what was under way goes on",
               fmt::format("{} #{} was not issued again", to_string(effect.kind), effect.id));
  }
}

void Checkers::on_trial(const rollout::State& before, const rollout::State& next) {
  if (!before.active || !next.active || before.active->id != next.active->id) return;
  const auto& r = *next.active;
  const auto& verdict = r.verdict;
  const bool condemned = verdict && verdict->ruling == rollout::Ruling::kRollback;
  const bool old_is_ready = std::ranges::any_of(
      next.instances, [&](const auto& i) { return i.release == r.from && i.ready; });
  const bool has_arm =
      std::ranges::find(next.arms, r.release, &rollout::ArmShare::release) != next.arms.end();
  if (condemned && rollout::is_on_trial(r) && has_arm && old_is_ready && !next.recovering)
    violated("4 a ruling is carried out",
             fmt::format("{} is {} and condemned", r.id, to_string(r.phase)));
  const auto stages = r.stages.size();
  const bool went_on = r.phase == Phase::kShifting && stages > before.active->stages.size() &&
                       stages >= 2 && r.stages[stages - 2].name == to_string(Phase::kUndecided);
  const bool proven = verdict && verdict->ruling == rollout::Ruling::kPromote;
  const bool probed = r.plan.inconclusive == model::Inconclusive::kProbe ||
                      r.plan.no_traffic == model::NoTraffic::kProbe;
  if (went_on && !proven && !r.now && !r.decided && !probed)
    violated("3 nobody decided", r.id + " went on though nothing was proven");
}

/// Nothing of a new release runs before each of its jobs has ended well, in whatever rollout of it.
void Checkers::on_jobs(const rollout::State& before, const rollout::State& next) {
  if (!next.active || next.active->phase != Phase::kStarting) return;
  const auto& r = *next.active;
  const bool begins = !before.active || before.active->phase != Phase::kStarting;
  const bool is_new = r.kind == rollout::Kind::kDeploy || r.kind == rollout::Kind::kPromote;
  if (!begins || !is_new) return;
  const auto* environment = world_.engine->find(next.key);
  const auto release = environment->releases.find(r.release);
  if (release == environment->releases.end()) return;
  // A copy (by a restart, say) lives on what the jobs of its original did.
  const auto whose = release->second->layer != 0 ? release->second->layer : r.release;
  for (std::size_t i = 0; i < r.plan.jobs.size(); ++i)
    if (const auto id = control::job_id({next.key, whose}, i); !world_.runtime.has_done(id))
      violated("3 its release jobs have run", fmt::format("{} starts without {}", r.id, id));
}

/// A number may be given again after a crash; a name at the gateway must not, or a latch binds
/// both.
void Checkers::on_fence(const rollout::Rollout& r) {
  if (r.fence.empty()) return;
  const auto [known, is_new] = fences_.try_emplace(r.fence, r.began);
  if (!is_new && known->second != r.began)
    violated("5 a lease has one holder", fmt::format("two rollouts are called {}", r.fence));
}

/// Whoever crashes, each request that arrived before the trial's cursor was told to the judge once.
void Checkers::on_evidence(const rollout::State& state) {
  const auto* trial = state.active ? world_.engine->trial(state.active->id) : nullptr;
  if (trial == nullptr) return;
  const auto came = world_.visitors.before(state.key, trial->cursor());
  const auto& told = trial->tally();
  if (came && *came != Visitors::Count{told.canary.requests, told.stable.requests})
    violated("each outcome counts once",
             fmt::format("{}: {} and {} requests came, {} and {} were judged", trial->rollout(),
                         came->on_trial, came->others, told.canary.requests, told.stable.requests));
}

/// From the acknowledgement on nothing that is still under way can give it weight again.
void Checkers::on_abort(const rollout::State& before, const rollout::State& next) {
  if (!before.active || before.active->phase != Phase::kAborting) return;
  if (!next.active || next.active->phase != Phase::kGathering) return;
  const auto& r = *next.active;
  if (!r.fence.empty() && !world_.traffic.has_latched(r.fence, r.release))
    violated("4 an abort stands", r.id + " goes on to stop and the gateway has not latched it");
}

namespace {
/// Ends when the world obeys, and cannot be given up; everything else has a deadline of its own.
bool waits_for_the_world(Phase phase) {
  constexpr Phase kPhases[] = {Phase::kQueued,       Phase::kSwapping,    Phase::kCommitting,
                               Phase::kDetachingOld, Phase::kStoppingOld, Phase::kAborting,
                               Phase::kDetachingNew, Phase::kStoppingNew, Phase::kClosing,
                               Phase::kDetachingAll, Phase::kStoppingAll};
  return std::ranges::find(kPhases, phase) != std::end(kPhases);
}
}  // namespace

void Checkers::on_phase(const rollout::State& before, const rollout::State& next) {
  if (next.active && !next.active->deadline && !waits_for_the_world(next.active->phase))
    violated("5 every state has a deadline",
             fmt::format("{} is {} without one", next.active->id, to_string(next.active->phase)));
  if (!before.active) return;
  const auto& was = *before.active;
  const bool goes_on = next.active && next.active->id == was.id;
  const bool runs_a_job = std::ranges::find(before.pending, rollout::EffectKind::kRunJob,
                                            &rollout::Effect::kind) != before.pending.end();
  const bool is_new = goes_on && !was.committed && next.active->committed;
  if (is_new && next.active->phase != Phase::kCommitting)
    violated("2 committed means durable", was.id + " went on before its commit was written");
  const bool in_time = was.deadline && world_.scheduler.now() < *was.deadline;
  const bool given_up = was.phase == Phase::kReleaseJobs && !goes_on && runs_a_job && in_time &&
                        was.abort_when_safe.empty();
  for (const auto& ended : next.ended)
    if (given_up && ended.id == was.id && !ended.reason.starts_with("release job"))
      violated("3 a migration is not abandoned half way", was.id);
  const bool is_warm = was.plan.warm == model::Warm::kAll && was.plan.bake > Duration::zero();
  // A person's wish or the next release may end it at once.
  const bool hurried = was.now || next.queued.has_value();
  if (goes_on && is_warm && !hurried && was.phase == Phase::kDraining &&
      next.active->phase == Phase::kDetachingOld)
    violated("2 warm until the bake is over", was.id + " did not bake");
}

/// What takes no traffic switches once, at the commit: two generations would do the work twice.
void Checkers::one_generation_of_workers(const ports::Launch& launch,
                                         const rollout::State& durable) {
  const auto* wanted = rollout::find_instance(durable, launch.id);
  if (wanted == nullptr || wanted->traffic) return;
  for (const auto& other : durable.instances)
    if (!other.traffic && other.release != wanted->release &&
        world_.runtime.exists(rollout::instance_id(durable, other)))
      violated("2 workers switch once", launch.id + " is started beside the other generation's");
}

void Checkers::before_job(const ports::Launch& launch) {
  const model::EnvironmentKey key{launch.app, launch.environment};
  const auto durable = world_.stored(key);
  if (!durable || !durable->active || durable->active->phase != Phase::kReleaseJobs) return;
  const auto& r = *durable->active;
  const bool needs_backup = r.plan.wants_backup() && r.without_backup.empty() && r.previous != 0;
  if (needs_backup && !world_.backups.proven.contains({key, r.release}))
    violated("3 migrated without a proven backup", launch.id);
  const bool anybody_waits = r.from != 0 && r.from_plan.has_traffic();
  const auto* site = world_.traffic.site(key);
  const bool open = site != nullptr && site->mode == ports::SiteMode::kServe;
  if (r.plan.jobs.at(r.step).blocking && anybody_waits && open)
    violated("3 a blocking job has the requests held", launch.id);
}

void Checkers::before_start(const ports::Launch& launch) {
  const auto durable = world_.stored({launch.app, launch.environment});
  const ports::InstanceStatus status{
      .id = launch.id, .app = launch.app, .environment = launch.environment, .owner = launch.owner};
  const auto key = control::instance_key_of(status);
  if (!durable || !key) {
    violated("8 only what is recorded runs", launch.id + " was started before it was recorded");
    return;
  }
  one_generation_of_workers(launch, *durable);
  const auto text = world_.store.get(control::release_store_key(key->release));
  if (!text || !*text) {
    violated("6 a release is what it says", launch.id + " belongs to no recorded release");
    return;
  }
  // Cheaper than reading the release: its digest and its pinned secret are in its text.
  const auto digest = launch.artifact_path.substr(launch.artifact_path.find("sha256:"));
  if ((*text)->find("\"digest\":\"" + digest + "\"") == std::string::npos)
    violated("6 a release is what it says",
             launch.id + " runs another artifact than its release's");
  const auto secret = launch.env.find("TOKEN");
  if (secret == launch.env.end()) return;
  const auto version = secret->second.substr(secret->second.rfind('-') + 1);
  if ((*text)->find("\"secret_versions\":{\"TOKEN\":" + version + "}") == std::string::npos)
    violated("6 a release is what it says",
             launch.id + " got another secret version than its release pins");
}

void Checkers::before_stop(const std::string& id) {
  const auto* launch = world_.runtime.launch_of(id);
  if (launch == nullptr) return;
  const auto* site = world_.traffic.site({launch->app, launch->environment});
  if (site != nullptr)
    for (const auto& arm : site->arms)
      for (const auto& backend : arm.backends)
        for (const auto& target : backend.targets)
          if (target.instance == id)
            violated("1 traffic never points at what is stopped",
                     fmt::format("{} is stopped while release {} is routed with {} ppm", id,
                                 arm.release, arm.weight_ppm));
  const auto durable = world_.stored({launch->app, launch->environment});
  const auto key = control::instance_key_of(
      {.id = id, .app = launch->app, .environment = launch->environment, .owner = launch->owner});
  if (durable && key) stopping_a_release(*durable, *key);
}

void Checkers::stopping_a_release(const rollout::State& durable, const model::InstanceKey& key) {
  const auto number = key.release.number;
  const bool closes = durable.active && durable.active->kind == rollout::Kind::kStop;
  const auto id = model::instance_id(key);
  const auto* recorded = rollout::find_instance(durable, id);
  if (recorded == nullptr) return;  // a stray one is swept
  // A worker whose stop was under way when a rollback came is stopped to its end, then started.
  const bool is_on_its_way =
      !recorded->traffic && recorded->standing == rollout::InstanceStanding::kStopping;
  if (is_on_its_way) return;
  if (number == durable.stable && !closes && !durable.stopped)
    violated("2 the stable release stays",
             fmt::format("{} is stopped and release {} is stable", id, number));
  if (!durable.active || durable.active->from != number) return;
  const auto* process = &durable.active->from_plan.processes;
  const bool traffic = std::ranges::any_of(
      *process, [&](const rollout::ProcessPlan& p) { return p.name == key.process && p.traffic; });
  const bool may =
      durable.active->phase == Phase::kStoppingOld || durable.active->phase == Phase::kStoppingAll;
  if (traffic && !may)
    violated("2 warm until the bake is over",
             fmt::format("{} is stopped while {} is {}", id, durable.active->id,
                         to_string(durable.active->phase)));
}

/// An abort does not wait: after a reboot it may name what is gone, until somebody has looked. What
/// was decided before that is followed at once by what is decided after it.
bool Checkers::knows_what_runs(const model::EnvironmentKey& key, const ports::Fence& fence) {
  if (looked_after_[key] == world_.reboots) return true;
  const auto durable = world_.stored(key);
  if (!durable || fence.sequence != durable->sequence) return false;
  const bool looks = std::ranges::any_of(durable->pending, [](const rollout::Effect& e) {
    return e.kind == rollout::EffectKind::kAskLatch || e.kind == rollout::EffectKind::kObserve;
  });
  if (!looks) looked_after_[key] = world_.reboots;
  return !looks;
}

void Checkers::on_swap(const ports::Site& site, const ports::Fence& fence) {
  // By who really speaks, not by what it says of itself.
  if (!world_.executor.does_the_will_of_the_dead()) {
    decided_after_[site.key] = world_.deaths;
  } else if (world_.alive() && decided_after_[site.key] == world_.deaths) {
    violated("5 no lease without a fence",
             fmt::format("a dead control plane moved the traffic of {}", to_string(site.key)));
  }
  bool any_ready = false;
  std::vector<model::ReleaseNumber> dark;
  for (const auto& arm : site.arms) {
    bool ready = false;
    for (const auto& backend : arm.backends)
      for (const auto& target : backend.targets) {
        ready = ready || target.ready;
        // Routing to what was stopped by us; what fell by itself is the prober's business.
        if (target.ready && !world_.runtime.exists(target.instance) &&
            knows_what_runs(site.key, fence))
          violated("1 traffic never points at what is stopped",
                   fmt::format("{} is routed to and does not exist", target.instance));
      }
    any_ready = any_ready || ready;
    if (!ready && arm.weight_ppm > 0) dark.push_back(arm.release);
  }
  if (any_ready && !dark.empty()) {
    const auto durable = world_.stored(site.key);
    const bool was_never_ready =
        durable && std::ranges::none_of(durable->instances, [&](const rollout::Instance& i) {
          return i.release == dark.front() && i.was_ready;
        });
    if (was_never_ready)
      violated("1 traffic goes to ready instances",
               fmt::format("release {} has weight and was never ready", dark.front()));
  }
}

void Checkers::on_commit(const ports::Batch& batch) {
  const auto look = [&](const std::string& where, const std::string& text) {
    if (text.find(kSecretMark) != std::string::npos)
      violated("7 no secret is written", fmt::format("a secret's value is in {}", where));
  };
  for (const auto& event : batch.events) look("event " + event.kind, event.body);
  for (const auto& [key, value] : batch.put) look(key, value);
}

void Checkers::at_the_end() {
  for (const auto& [name, text] : world_.stage_logs.texts)
    if (text.find(kSecretMark) != std::string::npos)
      violated("7 no secret is written", "a secret's value is in the log of " + name);
  if (!world_.at_rest()) {
    std::string what;
    for (const auto* environment : world_.engine->environments())
      if (environment->state.active)
        what += fmt::format("{} is {}; ", environment->state.active->id,
                            to_string(environment->state.active->phase));
    violated("5 every rollout ends", what.empty() ? "something waits for the disk" : what);
    return;
  }
  for (const auto& id : promised_)
    if (!world_.record(id))
      violated("no decision is lost", id + " was promised and is not recorded");
  for (const auto& id : aborted_) {
    const auto record = world_.record(id);
    if (record && record->rollout.outcome == rollout::Outcome::kDone &&
        record->rollout.reason.empty())
      violated("4 an abort stands", id + " was aborted and is done all the same");
  }
  for (const auto& [id, runs] : world_.runtime.job_runs)
    if (runs > 1) violated("release jobs run once", fmt::format("{} ran {} times", id, runs));
  for (const auto* environment : world_.engine->environments()) {
    const auto& state = environment->state;
    const auto where = to_string(state.key);
    const auto* site = world_.traffic.site(state.key);
    if (state.stable == 0 || state.stopped) continue;
    const bool serves = site != nullptr && site->arms.size() == 1 &&
                        site->arms[0].release == state.stable &&
                        site->arms[0].weight_ppm == rollout::kWholePpm;
    if (site != nullptr && site->mode == ports::SiteMode::kHold)
      violated("5 every hold ends", where + " still holds its requests");
    if (!serves)
      violated("2 the stable release serves", where + " is not routed to its stable release");
    for (const auto& process : state.stable_plan.processes)
      for (int i = 1; i <= process.instances; ++i) {
        const auto id = model::instance_id({{state.key, state.stable}, process.name, i});
        if (!world_.runtime.exists(id))
          violated("2 the stable release stays", id + " is missing at the end");
      }
    const auto running = world_.runtime.list();
    if (!running) continue;
    for (const auto& status : *running) {
      if (status.app != state.key.app || status.environment != state.key.environment) continue;
      const auto key = control::instance_key_of(status);
      if (key && key->release.number != state.stable)
        violated("8 nothing is left behind", status.id + " still runs at the end");
    }
    const auto release = environment->releases.find(state.stable);
    if (release == environment->releases.end() ||
        !world_.builder.artifacts.contains(release->second->artifact.digest))
      violated("4 a rollback is possible", where + " has lost the artifact of its stable release");
  }
}

}  // namespace ecluse::sim
