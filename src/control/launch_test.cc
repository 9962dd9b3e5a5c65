#include "control/launch.h"

#include <gtest/gtest.h>

namespace ecluse::control {
namespace {

TEST(SearchPath, BeginsWithWhatWasInstalledForTheProcess) {
  const model::ProcessSpec api{.name = "api", .root = "backend"};
  EXPECT_EQ(search_path(&api),
            "/app/backend/.venv/bin:/app/backend/node_modules/.bin:"
            "/app/.venv/bin:/app/node_modules/.bin:"
            "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin");
}

TEST(SearchPath, OfAJobIsTheApps) {
  EXPECT_TRUE(search_path(nullptr).starts_with("/app/.venv/bin:/app/node_modules/.bin:/usr"));
}

ports::InstanceStatus status_of(const std::string& id, const std::string& owner) {
  return {.id = id, .app = "shop", .environment = "prod", .owner = owner};
}

TEST(InstanceKeyOf, KnowsTheInstancesOfAReleaseAndNothingElse) {
  const model::InstanceKey key{{{"shop", "prod"}, 7}, "web", 1};
  EXPECT_EQ(instance_key_of(status_of("shop-prod-7-web-1", "release 7")), key);
  EXPECT_EQ(instance_key_of(status_of("shop-prod-7-web-1", "release 8")), std::nullopt);
  EXPECT_EQ(instance_key_of(status_of("shop-prod-rjob-7-1", "release job 1 of release 7")),
            std::nullopt);
  EXPECT_EQ(instance_key_of(status_of("shop-preprod-7-web-1", "release 7")), std::nullopt);
}

TEST(SiteOf, SaysOfEachReleaseWhereItsProcessesTakeWebsockets) {
  model::Release open;
  open.spec.processes = {{.name = "web", .takes_traffic = true}};
  model::Release narrow;
  narrow.spec.processes = {{.name = "web", .takes_traffic = true, .websockets = {"/ws"}},
                           {.name = "api", .takes_traffic = true, .websockets = {}}};
  rollout::State state;
  state.arms = {{.release = 6, .weight_ppm = 900'000}, {.release = 7, .weight_ppm = 100'000}};
  const auto site =
      site_of(state, [&](model::ReleaseNumber number) { return number == 6 ? &open : &narrow; });
  ASSERT_EQ(site.arms.size(), 2U);
  using Prefixes = std::vector<std::string>;
  EXPECT_EQ(site.arms[0].backends.at(0).websockets, Prefixes{"/"});
  EXPECT_EQ(site.arms[1].backends.at(0).websockets, Prefixes{"/ws"});
  EXPECT_EQ(site.arms[1].backends.at(1).websockets, Prefixes{});
}

}  // namespace
}  // namespace ecluse::control
