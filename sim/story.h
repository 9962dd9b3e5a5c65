#pragma once
// The fixture of stories on twins: the real control code, simulated time, no faults.

#include <gtest/gtest.h>

#include "sim/sample_app.h"
#include "sim/world.h"

namespace ecluse::sim {

class Story : public ::testing::Test {
 protected:
  Story() {
    for (const char* sha : {"c1", "c2", "c3"}) world.add_commit(sha, sample_app());
    // Each commit is another program, so that no two releases are alike.
    world.specs["ecluse.yml of c2"].environments[0].env["VERSION"] = std::string("2");
    EXPECT_TRUE(world.boot());
  }

  void settle(Duration limit = std::chrono::hours(1)) {
    world.run_until(world.scheduler.now() + limit, [&] { return world.at_rest(); });
    ASSERT_TRUE(world.at_rest());
  }
  void until(const std::string& environment, rollout::Phase phase) {
    world.run_until(world.scheduler.now() + std::chrono::hours(1), [&] {
      const auto* state = world.state(environment);
      return state != nullptr && state->active && state->active->phase == phase;
    });
    ASSERT_NE(world.state(environment), nullptr);
    ASSERT_TRUE(world.state(environment)->active) << "it never got to " << to_string(phase);
    ASSERT_EQ(world.state(environment)->active->phase, phase);
  }
  std::string ticket(const World::Answer<control::Ticket>& answer) {
    world.run_until(world.scheduler.now() + std::chrono::minutes(1),
                    [&] { return answer->has_value(); });
    if (!answer->has_value()) return "no answer";
    return **answer ? (**answer)->rollout : (**answer).error().message;
  }
  rollout::Outcome outcome(const std::string& id) {
    const auto record = world.record(id);
    return record ? record->rollout.outcome : rollout::Outcome::kRunning;
  }
  std::string reason(const std::string& id) {
    const auto record = world.record(id);
    return record ? record->rollout.reason : "still running";
  }
  std::vector<std::pair<model::ReleaseNumber, std::uint32_t>> arms(const std::string& environment) {
    std::vector<std::pair<model::ReleaseNumber, std::uint32_t>> out;
    const auto* site = world.traffic.site({"shop", environment});
    if (site == nullptr) return out;
    for (const auto& arm : site->arms) out.emplace_back(arm.release, arm.weight_ppm);
    return out;
  }
  using Arms = std::vector<std::pair<model::ReleaseNumber, std::uint32_t>>;

  World world{1};
};

}  // namespace ecluse::sim
