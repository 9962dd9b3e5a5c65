// An artifact that runs for the first time is looked at before it gets traffic.
#include "sim/story.h"

namespace ecluse::sim {
namespace {

using rollout::Outcome;
using rollout::Phase;
using std::chrono::minutes;

class ExaminationStory : public Story {
 protected:
  /// The engine asks `answer` from now on.
  void examine_with(Result<ports::Examination> answer) {
    world.ports.examine = [this, answer](const ports::ExaminationOrder& order) {
      examined.push_back(order.launch.id);
      return answer;
    };
    world.crash();
    ASSERT_TRUE(world.boot());
  }
  std::string audit_of(const std::string& environment, model::ReleaseNumber number) {
    return world.engine->find(world.key(environment))->releases.at(number)->audit;
  }

  const std::string report =
      R"({"findings":[{"rule":"RT-002","severity":"major","evidence":"10 s"}]})";
  std::vector<std::string> examined;
};

TEST_F(ExaminationStory, IsMadeOnceForAnArtifactInItsFirstEnvironment) {
  examine_with(ports::Examination{report, {}, "1 found"});
  const auto first = ticket(world.deploy("c1", "preprod"));
  settle();
  EXPECT_EQ(outcome(first), Outcome::kDone) << reason(first);
  ASSERT_EQ(examined.size(), 1U);
  EXPECT_NE(audit_of("preprod", 1).find("RT-002"), std::string::npos);
  ticket(world.deploy("c2", "preprod"));
  settle();
  EXPECT_EQ(examined.size(), 2U) << "another program is another artifact";
}

TEST_F(ExaminationStory, WhatForbidsTrafficEndsTheRolloutBeforeAnyRequest) {
  ticket(world.deploy("c1", "preprod"));
  settle();
  examine_with(ports::Examination{report, {":0: RT-001: a debugger"}, "1 found"});
  const auto bad = ticket(world.deploy("c2", "preprod"));
  settle();
  EXPECT_EQ(outcome(bad), Outcome::kAborted);
  EXPECT_NE(reason(bad).find("RT-001: a debugger"), std::string::npos) << reason(bad);
  EXPECT_EQ(arms("preprod"), (Arms{{1, 1'000'000}}));
  const auto record = world.record(bad);
  for (const auto& stage : record->rollout.stages)
    EXPECT_NE(stage.name, to_string(Phase::kShifting)) << "it had traffic";
  EXPECT_NE(audit_of("preprod", 2).find("blocked"), std::string::npos);
}

TEST_F(ExaminationStory, WhatCannotBeLookedAtForbidsNothing) {
  examine_with(fail(ErrorKind::kUnavailable, "no second instance"));
  const auto id = ticket(world.deploy("c1", "preprod"));
  settle();
  EXPECT_EQ(outcome(id), Outcome::kDone) << reason(id);
  bool said = false;
  const auto record = world.record(id);
  for (const auto& stage : record->rollout.stages)
    said = said || stage.detail.find("not examined: no second instance") != std::string::npos;
  EXPECT_TRUE(said);
}

TEST_F(ExaminationStory, IsMadeAgainAfterACrashInItsMiddle) {
  examine_with(ports::Examination{report, {}, "1 found"});
  const auto id = ticket(world.deploy("c1", "preprod"));
  until("preprod", Phase::kExamining);
  world.crash();
  ASSERT_TRUE(world.boot());
  settle();
  EXPECT_EQ(outcome(id), Outcome::kDone) << reason(id);
  EXPECT_NE(audit_of("preprod", 1).find("RT-002"), std::string::npos);
}

}  // namespace
}  // namespace ecluse::sim
