#include "sim/simulation.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/log.h"
#include "control/views.h"
#include "rollout/state_json.h"
#include "sim/checkers.h"
#include "sim/sample_app.h"
#include "sim/world.h"

namespace ecluse::sim {

namespace {
using rollout::Kind;
using std::chrono::hours;
using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;

// People who act, and a machine that fails, at the worst moment.
constexpr double kMeddlingChance = 0.05;
constexpr double kMeddlingInAJobChance = 0.4;
constexpr double kDeathBeforeTheCommitChance = 0.2;
constexpr std::uint64_t kLateWillMs = 10'000;

constexpr double kVisitedLives = 0.05;
constexpr double kGoodShare = 0.01;
constexpr double kBadShare = 0.5;
constexpr std::uint64_t kEnoughToJudge = 60;

constexpr std::uint64_t kFnvBasis = 14695981039346656037ULL;
constexpr std::uint64_t kFnvPrime = 1099511628211ULL;

class Life {
 public:
  Life(std::uint64_t seed, int rollouts, Trace trace)
      : world_(seed),
        meddling_(~seed),
        is_meddled_with_(is_meddled_with(seed)),
        checkers_(world_),
        wanted_(rollouts),
        keep_(trace == Trace::kKeep) {
    outcome_.seed = seed;
    outcome_.trace_hash = kFnvBasis;
    const auto check = world_.witness;
    world_.witness = [this, check](const rollout::State& before, const rollout::Step& step) {
      outcome_.steps += 1;
      outcome_.rollouts += step.next.ended.size();
      check(before, step);
      trace_step(before, step);
      count_trials(step.next);
      consider_ruling(step.next);
      consider_dying();
      if (is_meddled_with_ && !calm_) consider_meddling(before, step);
    };
    world_.runtime.habits = [this](const ports::Launch& launch) { return habits_of(launch); };
    world_.prober.delay = [this] { return between(5, calm_ ? 50 : 800); };
    world_.traffic.linger = [this] { return between(0, 3'000); };
    set_faults();
    choose_the_character();
    if (is_meddled_with_) world_.executor.last_will_ms_max = kLateWillMs;
  }

  Outcome live() {
    boot();
    for (int i = 0; i < wanted_ * 2 && checkers_.violations().empty(); ++i) {
      act();
      run_for(pause());
    }
    calm_down();
    checkers_.at_the_end();
    outcome_.violations = checkers_.violations();
    return std::move(outcome_);
  }

 private:
  // Time and death ---------------------------------------------------------------------------

  /// Dying in the middle of a step is dying right after it: the engine is not re-entered.
  void consider_dying() {
    if (!calm_ && world_.prng.chance(crash_chance_)) dying_ = true;
  }

  /// Three lives of seven. By the seed alone, and with draws of their own, so that a seed that once
  /// found something in the other lives finds it still.
  static bool is_meddled_with(std::uint64_t seed) {
    return seed % 7 == 0 || seed % 7 == 5 || seed % 7 == 6;
  }

  /// The plane dies when an abort has gone out that is not written; and whoever watches wants
  /// something else as soon as a phase begins, most of all while a release job runs.
  void consider_meddling(const rollout::State& before, const rollout::Step& step) {
    const bool goes_out_unwritten = std::ranges::any_of(
        step.effects, [](const rollout::Effect& e) { return is_urgent(e.kind); });
    if (goes_out_unwritten && meddling_.chance(kDeathBeforeTheCommitChance)) dying_ = true;
    const auto& r = step.next.active;
    const bool begins = r && (!before.active || before.active->phase != r->phase);
    if (!begins) return;
    const bool in_a_job = r->phase == rollout::Phase::kReleaseJobs;
    if (!meddling_.chance(in_a_job ? kMeddlingInAJobChance : kMeddlingChance)) return;
    const Duration later{static_cast<std::int64_t>(meddling_.below(200))};
    const bool aborts = in_a_job || meddling_.chance(0.6);
    world_.scheduler.after(later, [this, key = step.next.key, aborts] { meddle(key, aborts); });
  }

  void meddle(const model::EnvironmentKey& key, bool aborts) {
    if (!world_.engine || calm_) return;
    world_.app = key.app;
    say(fmt::format("somebody wants {} {}", to_string(key), aborts ? "aborted" : "rolled back"));
    if (aborts) return abort(key.environment);
    (void)world_.rollback(key.environment);
  }

  void run_for(Duration time) {
    const auto until = world_.scheduler.now() + time;
    while (world_.scheduler.now() < until) {
      world_.run_until(until, [this] { return dying_; });
      if (dying_) die();
    }
  }

  void die() {
    dying_ = false;
    outcome_.crashes += 1;
    const bool reboots = world_.prng.chance(reboot_chance_);
    say(reboots ? "the machine reboots" : "the control plane is killed");
    if (reboots) {
      world_.reboot();
    } else {
      world_.crash();
    }
    world_.run_for(between(10, 5'000));
    boot();
  }

  void boot() {
    // A full disk refuses the start; the supervisor tries again.
    for (int i = 0; !world_.boot(); ++i) {
      say("it cannot start");
      if (i > 20) disk_full_ = false;
      world_.run_for(seconds(2));
    }
  }

  void calm_down() {
    calm_ = true;
    disk_full_ = false;
    world_.executor.mischief = {};
    run_for(minutes(1));
    world_.visitors.per_second = 0;  // what nobody decides waits for a week
    if (world_.prng.chance(0.3)) {   // the last state must be one that can be started from
      dying_ = true;
      run_for(milliseconds(1));
    }
    for (int i = 0; i < 120 && !world_.at_rest(); ++i) {  // two approvals may time out in turn
      run_for(hours(6));
    }
    run_for(minutes(10));
  }

  Duration between(std::int64_t least_ms, std::int64_t most_ms) {
    return Duration{least_ms + static_cast<std::int64_t>(world_.prng.below(
                                   static_cast<std::uint64_t>(most_ms - least_ms + 1)))};
  }

  Duration pause() {
    switch (world_.prng.below(5)) {
      case 0:
        return between(0, 200);
      case 1:
        return between(200, 5'000);
      case 2:
        return between(5'000, 60'000);
      case 3:
        return between(60'000, 300'000);
      default:
        return between(300'000, 3'600'000);
    }
  }

  // What goes wrong --------------------------------------------------------------------------

  void choose_the_character() {
    auto& prng = world_.prng;
    if (prng.chance(0.1)) return;  // a peaceful life, as a control
    crash_chance_ = prng.unit() * 0.06;
    reboot_chance_ = prng.chance(0.5) ? prng.unit() * 0.3 : 0;
    fault_chance_ = prng.chance(0.7) ? prng.unit() * 0.15 : 0;
    disk_chance_ = prng.chance(0.3) ? 0.1 : 0;
    bad_release_chance_ = prng.unit() * 0.6;
    world_.executor.mischief = {.lose = prng.chance(0.5) ? prng.unit() * 0.03 : 0,
                                .repeat = prng.chance(0.5) ? prng.unit() * 0.1 : 0,
                                .slow = prng.unit() * 0.2,
                                .late = prng.chance(0.2) ? prng.unit() * 0.2 : 0};
    if (prng.chance(0.3)) apps_.emplace_back("blog");
    judge_is_heard_ = prng.chance(0.8) ? prng.unit() : 0;
    if (prng.chance(kVisitedLives)) people_come();
  }

  /// The real judge hears of real requests, instead of ruling as the seed has it.
  void people_come() {
    judge_is_heard_ = 0;
    is_visited_ = true;
    world_.visitors.per_second = 0.02 + world_.prng.unit() * world_.prng.unit() * 3;
    world_.visitors.error_share = [this](const auto& key, auto release) {
      return error_share_of(key, release);
    };
    world_.let_the_judge_hear();
  }

  double error_share_of(const model::EnvironmentKey& key, model::ReleaseNumber release) {
    const auto known = error_shares_.find({key, release});
    if (known != error_shares_.end()) return known->second;
    const bool is_bad = world_.prng.chance(0.3);
    return error_shares_[{key, release}] = is_bad ? kBadShare : kGoodShare;
  }

  void set_faults() {
    const Faults some = [this](std::string_view call) -> std::optional<Error> {
      if (calm_ || !world_.prng.chance(fault_chance_)) return std::nullopt;
      return Error{ErrorKind::kUnavailable, fmt::format("{}: injected", call), {}};
    };
    world_.runtime.faults = some;
    world_.traffic.faults = some;
    world_.builder.faults = some;
    world_.services.faults = some;
    world_.visitors.faults = some;
    world_.backups.faults = [this, some](std::string_view call) -> std::optional<Error> {
      if (!calm_ && world_.prng.chance(fault_chance_ / 4))
        return Error{ErrorKind::kExhausted, "the backup's disk is full", {}};
      return some(call);
    };
    world_.ports.examine = [this, some](const auto& order) { return examined(order, some); };
    world_.store.faults = [this](std::string_view) -> std::optional<Error> {
      if (!disk_full_) return std::nullopt;
      return Error{ErrorKind::kExhausted, "the disk is full", {}};
    };
  }

  /// Some releases must not get traffic, and some cannot be looked at just now. One that was seen
  /// to be unfit is seen so again: the checkers know of it, even if that answer was lost.
  Result<ports::Examination> examined(const ports::ExaminationOrder& order, const Faults& faults) {
    const auto seen = world_.fit.find(order.release.key);
    const bool is_barred = seen != world_.fit.end() && !seen->second;
    auto fault = is_barred ? std::nullopt : faults("examine");
    if (fault) return fail(std::move(*fault));
    const auto [known, is_new] = world_.fit.try_emplace(order.release.key, true);
    if (is_new) known->second = calm_ || !world_.prng.chance(0.1);
    if (known->second) return ports::Examination{"{}", {}, "nothing found"};
    return ports::Examination{"{}", {":0: RT-001: a debugger"}, "1 found"};
  }

  /// How a release behaves is drawn once, when its first instance is launched.
  Habits habits_of(const ports::Launch& launch) {
    const auto release = launch.env.contains("ECLUSE_COMMIT") ? launch.env.at("ECLUSE_COMMIT") : "";
    const auto known = characters_.find(release);
    if (known != characters_.end()) return known->second;
    auto& prng = world_.prng;
    Habits habits{.boot = between(50, 8'000)};
    habits.lines = {"starting with " + std::string(kSecretMark) + "1", "ready"};
    const bool bad = !calm_ && prng.chance(bad_release_chance_);
    switch (bad ? prng.below(6) : 99) {
      case 0:
        habits.never_ready = true;
        break;
      case 1:
        habits.crash_after = between(100, 90'000);
        break;
      case 2:
        habits.flap_after = between(500, 120'000);
        habits.flap_for = between(100, 30'000);
        break;
      case 3:
        habits.job_exit = 1;
        break;
      case 4:
        habits.boot = between(15'000, 30'000);
        break;
      case 5:
        habits.cannot_start = true;
        break;
      default:
        break;
    }
    return characters_[release] = habits;
  }

  // Operators --------------------------------------------------------------------------------

  std::string new_commit() {
    const auto sha = fmt::format("c{}", ++commits_);
    last_commit_[world_.app] = sha;
    SampleOptions options{.app = world_.app,
                          .web = 1 + static_cast<int>(world_.prng.below(3)),
                          .workers = static_cast<int>(world_.prng.below(2)),
                          .job = world_.prng.chance(0.7),
                          .hold = between(1'000, 60'000),
                          .bake = between(0, 600'000)};
    if (world_.prng.chance(is_visited_ ? 0.9 : 0.4)) options.weights = {0.1, 0.5};
    if (is_visited_) options.abort_when = {"errors > 5%", "errors > 1x stable"};
    options.how.reversible = world_.prng.chance(0.8);
    options.how.blocking = world_.prng.chance(0.2);
    options.inconclusive = static_cast<model::Inconclusive>(world_.prng.below(4));
    options.no_traffic = static_cast<model::NoTraffic>(world_.prng.below(3));
    auto app = sample_app(options);
    for (auto& environment : app.environments) {
      environment.secrets = {"TOKEN"};
      environment.env["COMMIT"] = sha;
    }
    world_.add_commit(sha, std::move(app));
    for (const char* environment : {"preprod", "prod"})
      if (auto& version = secret_versions_[to_string(world_.key(environment))];
          version == 0 || world_.prng.chance(0.2)) {
        version += 1;
        (void)world_.secrets.set(world_.key(environment), "TOKEN",
                                 fmt::format("{}{}", kSecretMark, version), "alice");
      }
    if (world_.prng.chance(0.05)) world_.builder.red_commits.insert(sha);
    if (world_.prng.chance(0.05)) world_.builder.broken_commits.insert(sha);
    return sha;
  }

  void hear(World::Answer<control::Ticket> answer) {
    world_.run_for(Duration::zero());
    // The answer may come later; it is looked at when it has come, unless the plane died before.
    world_.scheduler.after(seconds(20), [this, answer] {
      if (!answer->has_value() || !**answer) return;
      // A swap is told as soon as it is done. If the disk was full and the plane died, what was
      // done stands (the gateway has latched it), but its number was never written.
      const auto& ticket = ***answer;
      if (!ticket.rollout.empty() && ticket.note.empty()) checkers_.promised(ticket.rollout);
    });
  }

  void act() {
    auto& prng = world_.prng;
    if (!calm_ && prng.chance(disk_chance_)) disk_full_ = !disk_full_;
    if (is_visited_ && prng.chance(0.02)) {
      say("the gateway's memory is lost");
      world_.visitors.forget_everything();
    }
    if (prng.chance(0.02)) {
      say("the machine sleeps");
      world_.suspend(between(0, 7'200'000));
    }
    world_.app = apps_[prng.below(apps_.size())];
    if (prng.chance(0.03)) world_.clock.jump_ms += between(-86'400'000, 86'400'000).count();
    const char* where = prng.chance(0.7) ? "preprod" : "prod";
    switch (prng.below(22)) {
      case 0:
      case 1:
      case 2:
      case 3:
      case 4:
      case 5: {
        const auto sha = last_commit_.contains(world_.app) && prng.chance(0.15)
                             ? last_commit_[world_.app]
                             : new_commit();
        say("deploy " + sha);
        return hear(world_.deploy(sha, "preprod"));
      }
      case 6:
      case 7:
        say("promote");
        return hear(world_.promote("prod"));
      case 8:
      case 9:
        say("approve");
        world_.approve("prod");
        return;
      case 10:
      case 11:
        say(fmt::format("rollback {}", where));
        return hear(world_.rollback(where));
      case 12:
        say(fmt::format("abort {}", where));
        return abort(where);
      case 13:
        say(fmt::format("restart {}", where));
        return hear(world_.again(where, Kind::kRestart));
      case 14:
        say(fmt::format("scale {}", where));
        return hear(
            world_.again(where, Kind::kScale, {{"web", 1 + static_cast<int>(prng.below(3))}}));
      case 15:
        say(fmt::format("stop or start {}", where));
        if (const auto* state = world_.state(where); state != nullptr && state->stopped)
          return hear(world_.again(where, Kind::kStart));
        return hear(world_.stop(where));
      case 16:
        world_.command(where, rollout::PauseAsked{"bob"});
        return;
      case 17:
        world_.command(where, rollout::ResumeAsked{"bob"});
        return;
      case 18:
        world_.command(where, rollout::NowAsked{"bob"});
        return;
      case 19:
      case 20:
        if (const auto* state = world_.state(where);
            state != nullptr && state->active && !is_visited_)
          rule(state->key, state->active->id);
        return;
      default:
        world_.command(where, rollout::MaintenanceAsked{prng.chance(0.5), "bob"});
        if (prng.chance(0.5))
          (void)world_.builder.reclaim(control::pinned_artifacts(*world_.engine), false);
        return;
    }
  }

  // The judge ---------------------------------------------------------------------------------

  /// When the machine wants to know, it is told, late or never; at other times unasked.
  void consider_ruling(const rollout::State& state) {
    const bool asked = state.active && state.active->phase == rollout::Phase::kJudging;
    const bool on_trial = state.active && rollout::is_on_trial(*state.active);
    const bool speaks = world_.prng.chance(asked ? judge_is_heard_ : judge_is_heard_ * 0.05);
    if (!on_trial || !speaks) return;
    world_.scheduler.after(between(0, 20'000), [this, key = state.key, id = state.active->id] {
      if (world_.engine) rule(key, id);
    });
  }

  /// Over many lives these are rates that the judge promises.
  void count_trials(const rollout::State& next) {
    if (!is_visited_) return;
    for (const auto& r : next.ended) {
      const auto known = error_shares_.find({next.key, r.release});
      const auto before = error_shares_.find({next.key, r.from});
      if (!r.verdict || known == error_shares_.end() || before == error_shares_.end()) continue;
      const bool rolled_back = r.verdict->ruling == rollout::Ruling::kRollback;
      auto& trials = outcome_.trials;
      if (known->second == kGoodShare) {
        trials.good += 1;
        trials.good_rolled_back += rolled_back ? 1 : 0;
      } else if (before->second == kGoodShare &&
                 (rolled_back || r.verdict->canary_requests >= kEnoughToJudge)) {
        trials.bad += 1;
        trials.bad_missed += rolled_back ? 0 : 1;
      }
    }
  }

  void rule(const model::EnvironmentKey& key, const std::string& id) {
    auto& prng = world_.prng;
    const auto draw = prng.below(10);
    const rollout::Judged judged{.id = id,
                                 .ruling = calm_ || draw > 3 ? rollout::Ruling::kPromote
                                           : draw > 1        ? rollout::Ruling::kInconclusive
                                                             : rollout::Ruling::kRollback,
                                 .objective = "errors > 5%",
                                 .reason = "as the seed has it",
                                 .evidence = "{}",
                                 .canary_requests = prng.below(3)};
    say(fmt::format("the judge of {}: {}", id, static_cast<int>(judged.ruling)));
    const int times = prng.chance(0.2) ? 2 : 1;
    for (int i = 0; i < times; ++i)
      if (world_.engine->find(key) != nullptr)
        world_.engine->command(key, judged, "judge", [](const Result<void>&) {});
  }

  void abort(const std::string& where) {
    const auto* state = world_.state(where);
    const auto id = state != nullptr && state->active ? state->active->id : std::string{};
    const auto answer = world_.command(where, rollout::AbortAsked{"bob", "a feeling"});
    world_.scheduler.after(seconds(20), [this, answer, id] {
      if (answer->has_value() && **answer && !id.empty()) checkers_.promised_abort(id);
    });
  }

  // The trace --------------------------------------------------------------------------------

  void say(const std::string& line) {
    const auto text = fmt::format("{:>10} {}", ms_of(world_.scheduler.now()) - 1'000'000, line);
    for (const char c : text)
      outcome_.trace_hash = (outcome_.trace_hash ^ static_cast<unsigned char>(c)) * kFnvPrime;
    if (keep_) outcome_.trace.push_back(text);
  }

  void trace_step(const rollout::State& before, const rollout::Step& step) {
    const auto phase_of = [](const rollout::State& state) {
      return state.active ? fmt::format("{} {}", state.active->id, to_string(state.active->phase))
                          : std::string("at rest");
    };
    const auto was = phase_of(before);
    const auto is = phase_of(step.next);
    if (was != is) say(fmt::format("{}: {} -> {}", to_string(step.next.key), was, is));
    for (const auto& ended : step.next.ended)
      say(fmt::format("{} {} {}", ended.id, to_string(ended.outcome), ended.reason));
    for (const auto& effect : step.effects)
      say(fmt::format("  {} #{} release {} {} {} seq {} attempt {}", to_string(effect.kind),
                      effect.id, effect.release, effect.process, effect.index, effect.sequence,
                      effect.attempt));
  }

  World world_;
  Prng meddling_;
  bool is_meddled_with_;
  Checkers checkers_;
  int wanted_;
  bool keep_;
  Outcome outcome_;
  bool calm_ = false;
  bool dying_ = false;
  bool disk_full_ = false;
  double crash_chance_ = 0;
  double reboot_chance_ = 0;
  double fault_chance_ = 0;
  double disk_chance_ = 0;
  double bad_release_chance_ = 0;
  double judge_is_heard_ = 0;
  bool is_visited_ = false;
  std::map<std::pair<model::EnvironmentKey, model::ReleaseNumber>, double> error_shares_;
  int commits_ = 0;
  std::vector<std::string> apps_ = {"shop"};
  std::map<std::string, std::string> last_commit_;  ///< by app
  std::map<std::string, int> secret_versions_;
  std::map<std::string, Habits> characters_;
};
}  // namespace

Outcome simulate(std::uint64_t seed, int rollouts, Trace trace) {
  return Life(seed, rollouts, trace).live();
}

}  // namespace ecluse::sim
