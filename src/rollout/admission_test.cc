#include "rollout/admission.h"

#include <gtest/gtest.h>

namespace ecluse::rollout {
namespace {

model::EnvironmentSpec spec(int instances, std::uint64_t mib) {
  model::EnvironmentSpec spec;
  model::ProcessSpec web;
  web.name = "web";
  web.takes_traffic = true;
  web.instances = instances;
  web.limits.memory_bytes_max = mib << 20;
  web.ready = model::ProbeSpec{};
  spec.processes = {web};
  return spec;
}

TEST(Admission, KeepsTheOldReleaseWarmWhenBothFit) {
  const auto next = spec(2, 256);
  const auto admission = admit(next, &next, {1ULL << 30, 100});
  EXPECT_EQ(admission.warm, model::Warm::kAll);
  EXPECT_EQ(admission.note, "");
}

TEST(Admission, SaysWhatARollbackTakesWhenMemoryIsShort) {
  const auto next = spec(2, 512);
  const auto admission = admit(next, &next, {512ULL << 20, std::nullopt});
  EXPECT_EQ(admission.warm, model::Warm::kNone);
  EXPECT_EQ(admission.note,
            "warm: none, because the new generation may take 1024 MiB and 512 MiB are free; a "
            "rollback then starts the old release again, up to 40s instead of milliseconds");
}

TEST(Admission, CountsTheDatabaseConnectionsOfBothGenerations) {
  const auto next = spec(10, 1);
  EXPECT_EQ(admit(next, &next, {0, 100}).warm, model::Warm::kNone);
  EXPECT_EQ(admit(next, nullptr, {0, 100}).warm, model::Warm::kAll);
}

}  // namespace
}  // namespace ecluse::rollout
