#include <gtest/gtest.h>

#include "control/engine.h"

namespace ecluse::control {
namespace {

TEST(Record, IsFoundByTheNumberInItsName) {
  EXPECT_EQ(number_of("shop/prod@12"), 12U);
  EXPECT_EQ(number_of("shop/prod"), 0U);
  EXPECT_EQ(older_by(10, "shop/prod@12"), "shop/prod@2");
  EXPECT_EQ(older_by(12, "shop/prod@12"), std::nullopt);
}

TEST(Record, ThatWasLetGoSaysSoAndWhereToLook) {
  const auto gone = not_kept("shop/prod@3", "record", 504, 500);
  EXPECT_EQ(gone.kind, ErrorKind::kNotFound);
  EXPECT_NE(gone.message.find("no longer kept: those of the newest 500 rollouts are"),
            std::string::npos);
  EXPECT_NE(gone.hint.find("ecluse events"), std::string::npos);
  EXPECT_EQ(not_kept("shop/prod@4", "record", 504, 500).message, "there is no rollout shop/prod@4");
  EXPECT_EQ(not_kept("nonsense", "record", 504, 500).message, "there is no rollout nonsense");
}

}  // namespace
}  // namespace ecluse::control
