#include "config/parse.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <sstream>

namespace ecluse::config {
namespace {

using namespace std::chrono_literals;
using model::EnvironmentSpec;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

std::string file(const std::string& path) {
  std::ifstream stream(path);
  EXPECT_TRUE(stream) << path;
  std::ostringstream text;
  text << stream.rdbuf();
  return text.str();
}

model::AppSpec accepted(std::string_view text) {
  auto parsed = parse(text, "ecluse.yml");
  if (!parsed) {
    ADD_FAILURE() << render(parsed.error(), text);
    return {};
  }
  return parsed->spec;
}

EnvironmentSpec only_environment(std::string_view text) {
  auto spec = accepted(text);
  if (spec.environments.size() == 1) return spec.environments[0];
  ADD_FAILURE() << spec.environments.size() << " environments";
  return {};
}

/// The errors' text, one a line.
std::string refused(std::string_view text) {
  const auto parsed = parse(text, "ecluse.yml");
  if (parsed) return "accepted";
  std::string out;
  for (const auto& error : parsed.error()) out += to_string(error) + "\n";
  return out;
}

const std::string kWeb = "app: shop\nprocesses: {web: {command: serve}}\n";

TEST(Parse, TakesTheShortestFileAndFillsInEverything) {
  const auto prod = only_environment(kWeb);
  EXPECT_EQ(prod.app, "shop");
  EXPECT_EQ(prod.name, "prod");
  EXPECT_THAT(prod.hosts, ElementsAre(model::HostSpec{"shop.localhost"}));
  EXPECT_EQ(prod.deploy, model::DeployPolicy::kManual);
  EXPECT_EQ(prod.build.kind, model::BuildKind::kDetect);
  ASSERT_THAT(prod.processes, SizeIs(1));
  EXPECT_TRUE(prod.processes[0].takes_traffic);
  EXPECT_EQ(prod.bake, 10min);
}

TEST(Parse, TakesTheWholeExampleOfTheProduct) {
  const auto spec = accepted(file("tests/golden/config/product.yml"));
  ASSERT_THAT(spec.environments, SizeIs(2));
  const auto& preprod = spec.environments[0];
  const auto& prod = spec.environments[1];
  EXPECT_EQ(preprod.build.kind, model::BuildKind::kPython);
  EXPECT_EQ(preprod.build.source, "requirements.txt");
  ASSERT_THAT(preprod.checks, SizeIs(2));
  EXPECT_EQ(preprod.checks[1].coverage_min, 0.8);
  EXPECT_TRUE(preprod.release[0].backup_before);
  EXPECT_EQ(preprod.processes[0].name, "web");
  EXPECT_EQ(preprod.processes[0].ready->path, "/lettings/");
  EXPECT_FALSE(preprod.processes[1].takes_traffic);
  EXPECT_EQ(preprod.services[1].kind, model::ServiceKind::kRedis);
  EXPECT_EQ(preprod.volumes.at("media"), "/app/media");
  EXPECT_EQ(preprod.deploy, model::DeployPolicy::kAutomatic);
  EXPECT_EQ(std::get<model::SecretRef>(*preprod.protect.basic).name, "PREPROD_LOGIN");
  EXPECT_EQ(prod.deploy, model::DeployPolicy::kApproval);
  EXPECT_EQ(prod.promote_from, "preprod");
  EXPECT_THAT(prod.hosts, ElementsAre(model::HostSpec{"lettings.localhost"},
                                      model::HostSpec{"www.lettings.localhost", true}));
  EXPECT_THAT(prod.canary.weights, ElementsAre(0.1, 0.5));
  EXPECT_THAT(prod.canary.abort_when, SizeIs(4));
  EXPECT_EQ(prod.backup->keep, 24h * 30);
  EXPECT_EQ(prod.monitor[0].expect_contains, "Holiday Homes");
  EXPECT_EQ(prod.monitor[0].warn_over, 3s);
  EXPECT_THAT(prod.alerts, SizeIs(5));
  EXPECT_THAT(prod.notify, SizeIs(2));
}

TEST(Parse, TakesTheExampleWithTwoPartsInOneRepository) {
  const auto prod = only_environment(R"(app: shop
processes:
  api: {root: backend,  build: {node: 20}, command: node server.js, routes: [/api], port: 5000}
  web: {root: frontend, build: {node: 20, run: npm run build, per_environment: [NEXT_PUBLIC_API_URL]}, command: npm start, routes: [/], port: 3000}
)");
  ASSERT_THAT(prod.processes, SizeIs(2));
  EXPECT_EQ(prod.processes[0].build->version, "20");
  EXPECT_EQ(prod.processes[0].port, 5000);
  EXPECT_TRUE(prod.processes[0].takes_traffic);
  EXPECT_THAT(prod.processes[1].build->run, ElementsAre("npm run build"));
  EXPECT_THAT(prod.processes[1].build->per_environment, ElementsAre("NEXT_PUBLIC_API_URL"));
}

TEST(Overlay, AddsToMapsKeyByKeyAndReplacesLists) {
  const auto spec = accepted(R"(app: shop
checks: [flake8, pytest]
processes: {web: {command: serve, instances: 2}, worker: {command: work}}
env: {A: one, B: two}
environments:
  preprod: {checks: [pytest], env: {B: other, C: three}}
  prod: {processes: {web: {instances: 5}}, services: {db: postgres}}
)");
  const auto& preprod = spec.environments[0];
  const auto& prod = spec.environments[1];
  EXPECT_THAT(preprod.checks, ElementsAre(model::CheckSpec{"pytest"}));
  EXPECT_THAT(preprod.env, SizeIs(3));
  EXPECT_EQ(std::get<std::string>(preprod.env.at("B")), "other");
  EXPECT_EQ(preprod.find_process("web")->instances, 2);
  EXPECT_EQ(prod.find_process("web")->instances, 5);
  EXPECT_EQ(prod.find_process("web")->command, "serve");
  EXPECT_THAT(prod.processes, SizeIs(2));
  EXPECT_THAT(prod.checks, SizeIs(2));
  EXPECT_THAT(preprod.services, IsEmpty());
}

TEST(Overlay, ReplacesABuildAsAWhole) {
  const auto spec = accepted(kWeb + R"(build: {python: requirements.txt, version: "3.11"}
environments:
  prod: {build: {node: 20}}
)");
  EXPECT_EQ(spec.environments[0].build.kind, model::BuildKind::kNode);
  EXPECT_EQ(spec.environments[0].build.source, "");
  EXPECT_EQ(spec.environments[0].build.version, "20");
}

TEST(Build, IsSaidInSeveralWaysThatMeanTheSame) {
  using enum model::BuildKind;
  const auto build = [](const std::string& lines) { return only_environment(kWeb + lines).build; };
  EXPECT_EQ(build("build: go").kind, kGo);
  EXPECT_EQ(build("build: {go: yes}").kind, kGo);
  EXPECT_EQ(build("build: {uv: \"3.12\"}").version, "3.12");
  EXPECT_EQ(build("dockerfile: docker/Dockerfile").source, "docker/Dockerfile");
  EXPECT_EQ(build("image: nginx:1.25").kind, kImage);
  EXPECT_THAT(build("build: {command: make all, run: make check}").run,
              ElementsAre("make all", "make check"));
}

TEST(Build, TakesACommandThatYamlWouldReadAsSomethingElse) {
  const auto build = only_environment(kWeb + std::string("build: {command: \"true\"}")).build;
  EXPECT_THAT(build.run, ElementsAre("true"));
}

TEST(Deploy, MayAskForAWordInThreeSpellings) {
  for (const std::string spelling :
       {"{deploy: {confirm: SHIP}}", "{confirm: SHIP}", "{deploy: confirm, confirm: SHIP}"}) {
    const auto prod = only_environment(kWeb + "environments:\n  prod: " + spelling + "\n");
    EXPECT_EQ(prod.deploy, model::DeployPolicy::kConfirm) << spelling;
    EXPECT_EQ(prod.confirm, "SHIP") << spelling;
  }
}

TEST(Service, OfAnAddressIsOfTheKindTheAddressSays) {
  const auto prod = only_environment(kWeb + R"(services:
  cache: {url: redis://cache.internal:6379}
  db: {kind: postgres, url: secret:DATABASE_URL}
)");
  EXPECT_EQ(prod.services[0].kind, model::ServiceKind::kRedis);
  EXPECT_EQ(std::get<model::SecretRef>(*prod.services[1].url).name, "DATABASE_URL");
}

TEST(Parse, ReportsEveryErrorOfAFileInTheOrderOfItsLines) {
  EXPECT_EQ(refused(R"(app: Shop
processes:
  web:
    command: serve
    instnces: 2
    port: 70000
    ready: {path: /x, interval: 5}
colour: blue
)"),
            "ecluse.yml:1:6: app is 'Shop'; expected a name of at most 32 lower-case letters, "
            "digits and '-'\n"
            "ecluse.yml:5:5: unknown key 'instnces' in processes.web; expected one of command, "
            "instances, autoscale, port, ready, live, static, routes, websockets, affinity, root, "
            "build, limits, stop_grace, env; did you mean 'instances'?\n"
            "ecluse.yml:6:11: processes.web.port is '70000'; expected a port from 1 to 65535\n"
            "ecluse.yml:7:33: processes.web.ready.interval is 5 without a unit; expected a "
            "duration, as 90s, 5m or 1h 30m; did you mean '5s'?\n"
            "ecluse.yml:8:1: unknown key 'colour'; expected one of app, build, dockerfile, image, "
            "checks, release, processes, services, volumes, cron, approvers, protect, tls, pages, "
            "canary, bake, warm, drain, env, secrets, backup, monitor, alerts, notify, waivers, "
            "environments\n");
}

}  // namespace
}  // namespace ecluse::config
