#include "model/key.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

namespace ecluse::model {
namespace {

std::string any_name() {
  const auto tail = *rc::gen::container<std::string>(rc::gen::element('a', '1', '-'));
  return "a" + tail.substr(0, 31);
}

TEST(InstanceId, IsReadable) {
  EXPECT_EQ(instance_id({{{"lettings", "prod"}, 7}, "web", 1}), "lettings-prod-7-web-1");
}

TEST(InstanceId, OfTwoEnvironmentsNeverMeet) {
  EXPECT_NE(instance_id({{{"a-b", "c"}, 1}, "web", 1}), instance_id({{{"a", "b-c"}, 1}, "web", 1}));
  EXPECT_NE(instance_id({{{"a", "b-1-c"}, 2}, "web", 1}),
            instance_id({{{"a", "b"}, 1}, "c-2-web", 1}));
  EXPECT_NE(environment_id({"a-b", "c"}, "service", "db"),
            environment_id({"a", "b-c"}, "service", "db"));
}

RC_GTEST_PROP(InstanceId, LeadsBackToItsKey, ()) {
  const InstanceKey key{{{any_name(), any_name()}, *rc::gen::inRange<ReleaseNumber>(0, 1000)},
                        any_name(),
                        *rc::gen::inRange(0, 1000)};
  RC_ASSERT(parse_instance_id(instance_id(key)) == key);
}

TEST(InstanceId, OfSomethingElseHasNoKey) {
  for (const auto* id : {"", "lettings", "lettings-prod-service-db", "lettings-prod-rjob-7-2",
                         "lettings-prod-run-3-1", "lettings-prod-07-web-1", "a-b-1-web-x",
                         "lettings-prod-7-web-1-"}) {
    EXPECT_EQ(parse_instance_id(id), std::nullopt) << id;
  }
}

}  // namespace
}  // namespace ecluse::model
