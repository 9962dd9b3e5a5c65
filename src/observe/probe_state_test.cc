#include "observe/probe_state.h"

#include <gtest/gtest.h>
#include <rapidcheck.h>

namespace ecluse::observe {
namespace {

using namespace std::chrono_literals;

const model::ProbeSpec kSpec{.interval = 1s, .after = 2, .fail = 3, .start = 40s};

std::vector<Turn> play(ProbeState state, const model::ProbeSpec& spec,
                       const std::vector<bool>& answers, Duration since_watch) {
  std::vector<Turn> turns;
  for (const bool ok : answers) turns.push_back(record(state, spec, ok, since_watch));
  return turns;
}

TEST(ProbeState, BecomesReadyAfterEnoughSuccessesInARow) {
  EXPECT_EQ(play({}, kSpec, {true, false, true, true, true}, 0s),
            (std::vector<Turn>{Turn::kNone, Turn::kNone, Turn::kNone, Turn::kPassed, Turn::kNone}));
}

TEST(ProbeState, BecomesUnreadyAfterEnoughFailuresInARow) {
  EXPECT_EQ(play({.passing = true, .ever_ok = true}, kSpec,
                 {false, false, true, false, false, false, false}, 0s),
            (std::vector<Turn>{Turn::kNone, Turn::kNone, Turn::kNone, Turn::kNone, Turn::kNone,
                               Turn::kFailed, Turn::kNone}));
}

TEST(ProbeState, ABootingAppIsNotDead) {
  EXPECT_EQ(play({.kind = ProbeKind::kLive}, kSpec, {false, false, false, false}, 39s),
            std::vector<Turn>(4, Turn::kNone));
}

TEST(ProbeState, AnAppThatNeverAnsweredIsDeadAfterItsStartBudget) {
  EXPECT_EQ(play({.kind = ProbeKind::kLive}, kSpec, {false, false, false}, 40s).back(),
            Turn::kFailed);
}

TEST(ProbeState, AnAppThatAnsweredOnceMayDieWithinItsStartBudget) {
  EXPECT_EQ(play({.kind = ProbeKind::kLive}, kSpec, {true, false, false, false}, 1s).back(),
            Turn::kFailed);
}

TEST(ProbeState, HurriesUntilTheFirstReadinessOnly) {
  ProbeState state;
  EXPECT_EQ(pause_after(state, kSpec, 1s), kQuickRetry);
  EXPECT_EQ(pause_after(state, kSpec, 41s), kSpec.interval);
  state.ever_passed = true;
  EXPECT_EQ(pause_after(state, kSpec, 1s), kSpec.interval);
  EXPECT_EQ(pause_after({.kind = ProbeKind::kLive}, kSpec, 1s), kSpec.interval);
}

TEST(ProbeState, TurnsAlternateAndFollowRunsOfAnswers) {
  rc::check([](const std::vector<bool>& answers, bool live) {
    model::ProbeSpec spec;
    spec.after = *rc::gen::inRange(1, 5);
    spec.fail = *rc::gen::inRange(1, 5);
    ProbeState state{.kind = live ? ProbeKind::kLive : ProbeKind::kReady};
    bool passing = live;
    int run = 0;
    std::optional<bool> last;
    for (const bool ok : answers) {
      run = last == ok ? run + 1 : 1;
      last = ok;
      const Turn turn = record(state, spec, ok, spec.start);
      const bool turns = ok != passing && run >= (ok ? spec.after : spec.fail);
      RC_ASSERT(turn == (!turns ? Turn::kNone : ok ? Turn::kPassed : Turn::kFailed));
      if (turns) passing = ok;
      RC_ASSERT(state.passing == passing);
    }
  });
}

}  // namespace
}  // namespace ecluse::observe
