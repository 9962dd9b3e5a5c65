#include "gateway/bounds.h"

#include <gtest/gtest.h>

#include <fstream>
#include <sstream>
#include <string>

#include "gateway/measures.h"

namespace ecluse::gateway {

// They share the places of shared memory: bounds from the near end, refusals from the far one.
TEST(Bounds, LeaveRoomForTheRefusalsThatAreCountedBesideThem) {
  EXPECT_LT(bound_names().size() + kRefusalNames.size(), Measures::kBoundsRoom);
}

TEST(Bounds, AreSetByName) {
  Bounds bounds;
  ASSERT_TRUE(set_bound(bounds, "head_ms_max=250"));
  EXPECT_EQ(bounds.head_ms_max, 250U);
}

TEST(Bounds, RefuseWhatTheyAreNot) {
  Bounds bounds;
  for (const std::string text : {"head_ms_max", "head_ms_max=", "head_ms_max=-1", "head_ms_max=1s",
                                 "fields_max=129", "nothing=1", ""}) {
    const auto set = set_bound(bounds, text);
    ASSERT_FALSE(set) << text;
    EXPECT_EQ(set.error().kind, ErrorKind::kInvalid);
  }
  EXPECT_NE(set_bound(bounds, "head_ms_mx=1").error().hint.find("head_ms_max"), std::string::npos);
}

TEST(Bounds, AreAllInTheTableOfTheDocumentationWithTheirDefaults) {
  std::ifstream file(ECLUSE_SOURCE "/docs/gateway.md");
  std::stringstream text;
  text << file.rdbuf();
  const Bounds defaults;
  for (const BoundName& bound : bound_names()) {
    const std::string row =
        "| `" + std::string(bound.name) + "` | " + std::to_string(defaults.*bound.member) + " |";
    EXPECT_NE(text.str().find(row), std::string::npos) << row;
  }
}

}  // namespace ecluse::gateway
