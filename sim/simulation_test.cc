// A short run of the simulation in every test run; `./run sim --seeds N` is the long one.

#include "sim/simulation.h"

#include <gtest/gtest.h>

#include <fstream>
#include <sstream>

namespace ecluse::sim {
namespace {

constexpr int kRollouts = 10;

std::string report(const Outcome& outcome) {
  std::string text = "seed " + std::to_string(outcome.seed);
  for (const auto& violation : outcome.violations)
    text += "\n  " + violation.invariant + ": " + violation.message;
  return text;
}

TEST(Simulation, ThirtyLivesHoldTheInvariants) {
  for (std::uint64_t seed = 1; seed <= 30; ++seed) {
    const auto outcome = simulate(seed, kRollouts, Trace::kHash);
    EXPECT_TRUE(outcome.violations.empty()) << report(outcome);
  }
}

TEST(Simulation, TheSameSeedGivesTheSameTraceToTheByte) {
  for (std::uint64_t seed = 1; seed <= 3; ++seed)
    EXPECT_EQ(simulate(seed, kRollouts, Trace::kKeep).trace,
              simulate(seed, kRollouts, Trace::kKeep).trace);
}

TEST(Simulation, SeedsThatOnceFoundSomethingStayGreen) {
  std::ifstream file(ECLUSE_SOURCE "/sim/regressions.txt");
  ASSERT_TRUE(file);
  for (std::string line; std::getline(file, line);) {
    std::istringstream words(line);
    std::uint64_t seed = 0;
    if (line.starts_with("#") || !(words >> seed)) continue;
    const auto outcome = simulate(seed, kRollouts, Trace::kHash);
    EXPECT_TRUE(outcome.violations.empty()) << report(outcome) << "\n" << line;
  }
}

}  // namespace
}  // namespace ecluse::sim
