#include "model/spec_json.h"

#include <gtest/gtest.h>

namespace ecluse::model {
namespace {

Release full_release() {
  Release release;
  release.key = {{"lettings", "prod"}, 7};
  release.artifact = {"sha256:ab", "lettings", "c0ffee", "prod", 42, WallTime{5}};
  release.commit = {"c0ffee", "A. Writer", "say \"hi\" `$(rm)`", WallTime{4}};
  release.spec.app = "lettings";
  release.spec.name = "prod";
  ProcessSpec web;
  web.name = "web";
  web.ready = ProbeSpec{.path = "/health"};
  web.env = {{"A", std::string("1")}, {"B", SecretRef{"TOKEN"}}};
  release.spec.processes = {web};
  release.spec.services = {{.name = "db", .url = SecretRef{"DATABASE_URL"}}};
  release.spec.deploy = DeployPolicy::kApproval;
  release.spec.canary.weights = {0.1, 0.5};
  release.secret_versions = {{"TOKEN", 3}};
  release.layer = 6;
  return release;
}

TEST(SpecJson, AReleaseReadsBackAsItWasWritten) {
  const auto release = full_release();
  const auto back = release_from_text(to_text(release));
  ASSERT_TRUE(back) << back.error().message;
  EXPECT_EQ(*back, release);
}

TEST(SpecJson, UnknownFieldsAreIgnoredAndAbsentOnesKeepTheirDefault) {
  const auto spec = environment_spec_from_text(R"({"app": "x", "from_the_future": [1]})");
  ASSERT_TRUE(spec) << spec.error().message;
  EXPECT_EQ(spec->app, "x");
  EXPECT_EQ(spec->bake, EnvironmentSpec{}.bake);
}

TEST(SpecJson, AWrongTypeIsInvalidAndSaysSo) {
  const auto spec = environment_spec_from_text(R"({"deploy": "sometimes"})");
  ASSERT_FALSE(spec);
  EXPECT_EQ(spec.error().kind, ErrorKind::kInvalid);
  EXPECT_NE(spec.error().message.find("sometimes"), std::string::npos);
}

}  // namespace
}  // namespace ecluse::model
