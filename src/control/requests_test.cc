#include "control/requests.h"

#include <gtest/gtest.h>

namespace ecluse::control {
namespace {

RolloutOrder order_of(model::EnvironmentSpec spec) {
  RolloutOrder order{.key = {"shop", "prod"}};
  order.pipeline.emplace();
  order.pipeline->draft.spec = std::move(spec);
  return order;
}

TEST(Requests, SayWithTheTicketWhatEcluseYmlAsksForInVain) {
  model::EnvironmentSpec spec;
  spec.cron.push_back({"cleanup", "hour", "clean"});
  spec.services.push_back({.name = "docs", .kind = model::ServiceKind::kMongodb});
  EXPECT_EQ(notes_on(order_of(spec)),
            "note: `services.docs.kind` is not available yet: this kind of service is not started\n"
            "note: `cron` is not available yet: these jobs do not run");
}

TEST(Requests, SayNothingWhenAllOfItIsServed) {
  model::EnvironmentSpec spec;
  spec.services.push_back({.name = "db"});
  EXPECT_EQ(notes_on(order_of(spec)), "");
  EXPECT_EQ(notes_on(RolloutOrder{}), "") << "a rollback reads no ecluse.yml";
}

TEST(Requests, SayWithTheTicketWhatIsDoubtfulInEcluseYml) {
  auto order = order_of({});
  order.warnings = "ecluse.yml:3:1: warning: doubtful";
  EXPECT_EQ(notes_on(order), "ecluse.yml:3:1: warning: doubtful");
}

}  // namespace
}  // namespace ecluse::control
