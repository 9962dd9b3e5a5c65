#include "retention/retention.h"

#include <gtest/gtest.h>

namespace ecluse::retention {
namespace {

TEST(Retention, KeepsTheStableReleaseWhatIsNewerAndSomeBeforeIt) {
  EXPECT_EQ(retained(5, {1, 2, 3, 4, 5, 6}, 2), (std::set<model::ReleaseNumber>{3, 4, 5, 6}));
}

TEST(Retention, AfterARollbackTheNewerReleasesStay) {
  EXPECT_EQ(retained(2, {1, 2, 3, 4}, 0), (std::set<model::ReleaseNumber>{2, 3, 4}));
}

TEST(Retention, WithoutAStableReleaseEverythingStays) {
  EXPECT_EQ(retained(0, {1, 2}, 0), (std::set<model::ReleaseNumber>{1, 2}));
}

}  // namespace
}  // namespace ecluse::retention
