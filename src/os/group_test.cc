#include "os/group.h"

#include <gtest/gtest.h>

namespace ecluse::os {

TEST(Group, RootIsInItsOwnAndInNoOther) {
  EXPECT_TRUE(is_member("root", "root"));
  EXPECT_FALSE(is_member("root", "nogroup"));
}

TEST(Group, WhoDoesNotExistIsInNone) {
  EXPECT_FALSE(is_member("nobody-of-this-name", "root"));
  EXPECT_FALSE(is_member("root", "no-group-of-this-name"));
}

}  // namespace ecluse::os
