#pragma once
// A small app for simulations and tests: two web instances, a worker, a database, one release job.

#include <fmt/format.h>

#include "model/spec.h"

namespace ecluse::sim {

struct SampleOptions {
  std::string app = "shop";
  int web = 2;
  int workers = 1;
  bool job = true;
  model::ReleaseJobSpec how = {.run = "migrate"};
  std::vector<double> weights = {1.0};
  Duration hold = std::chrono::seconds(30);
  model::Inconclusive inconclusive = model::Inconclusive::kPromote;
  model::NoTraffic no_traffic = model::NoTraffic::kHold;
  std::vector<std::string> abort_when;
  Duration bake = std::chrono::seconds(60);
  bool prod = true;  ///< a second environment that is promoted to, by approval
};

inline model::EnvironmentSpec sample_environment(const SampleOptions& options, std::string name) {
  model::EnvironmentSpec spec;
  spec.app = options.app;
  spec.name = std::move(name);
  model::ProcessSpec web;
  web.name = "web";
  web.command = "serve --all";
  web.instances = options.web;
  web.takes_traffic = true;
  web.ready = model::ProbeSpec{.path = "/health", .start = std::chrono::seconds(20)};
  spec.processes.push_back(web);
  if (options.workers > 0) {
    model::ProcessSpec worker;
    worker.name = "worker";
    worker.command = "work";
    worker.instances = options.workers;
    spec.processes.push_back(worker);
  }
  if (options.job) spec.release.push_back(options.how);
  spec.checks.push_back({.run = "test"});
  spec.services.push_back({.name = "db"});
  spec.hosts.push_back({fmt::format("{}.{}.localhost", spec.name, spec.app), false});
  spec.canary.weights = options.weights;
  spec.canary.hold = options.hold;
  spec.canary.inconclusive = options.inconclusive;
  spec.canary.no_traffic = options.no_traffic;
  spec.canary.abort_when = options.abort_when;
  spec.bake = options.bake;
  spec.drain = std::chrono::seconds(5);
  return spec;
}

inline model::AppSpec sample_app(const SampleOptions& options = {}) {
  model::AppSpec app{.app = options.app};
  app.environments.push_back(sample_environment(options, "preprod"));
  if (options.prod) {
    auto prod = sample_environment(options, "prod");
    prod.promote_from = "preprod";
    prod.deploy = model::DeployPolicy::kApproval;
    app.environments.push_back(prod);
  }
  return app;
}

}  // namespace ecluse::sim
