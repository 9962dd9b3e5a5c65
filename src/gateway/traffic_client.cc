#include "gateway/traffic_client.h"

#include <nlohmann/json.hpp>

#include "gateway/site_json.h"

namespace ecluse::gateway {

namespace {
using nlohmann::json;

json keyed(const char* op, const model::EnvironmentKey& key) {
  return {{"op", op}, {"app", key.app}, {"environment", key.environment}};
}
}  // namespace

TrafficClient::TrafficClient(std::filesystem::path socket, Duration patience)
    : line_(std::move(socket), patience) {}

Result<void> TrafficClient::apply(const ports::Site& site, const ports::Fence& fence) {
  ECLUSE_TRY(line_.call({{"op", "apply"}, {"site", to_json(site)}, {"fence", to_json(fence)}}));
  return {};
}

Result<void> TrafficClient::abort(const ports::Site& site, model::ReleaseNumber aborted,
                                  const ports::Fence& fence) {
  ECLUSE_TRY(line_.call(
      {{"op", "abort"}, {"site", to_json(site)}, {"aborted", aborted}, {"fence", to_json(fence)}}));
  return {};
}

Result<std::vector<model::ReleaseNumber>> TrafficClient::latched(const std::string& rollout) {
  ECLUSE_ASSIGN(const json reply, line_.call({{"op", "latched"}, {"rollout", rollout}}));
  return reply.at("releases").get<std::vector<model::ReleaseNumber>>();
}

Result<void> TrafficClient::remove(const model::EnvironmentKey& key, const ports::Fence& fence) {
  json request = keyed("remove", key);
  request["fence"] = to_json(fence);
  ECLUSE_TRY(line_.call(request));
  return {};
}

Result<std::vector<ports::Site>> TrafficClient::sites() {
  ECLUSE_ASSIGN(const json reply, line_.call({{"op", "sites"}}));
  std::vector<ports::Site> sites;
  for (const json& site : reply.at("sites")) sites.push_back(site_from_json(site));
  return sites;
}

Result<void> TrafficClient::drain(const model::EnvironmentKey& key, model::ReleaseNumber release,
                                  Duration websocket_budget) {
  json request = keyed("drain", key);
  request["release"] = release;
  request["websocket_budget_ms"] = websocket_budget.count();
  ECLUSE_TRY(line_.call(request));
  return {};
}

Result<ports::SiteCounters> TrafficClient::counters(const model::EnvironmentKey& key) {
  ECLUSE_ASSIGN(const json reply, line_.call(keyed("counters", key)));
  return counters_from_json(reply.at("counters"));
}

Result<ports::Traffic::Answer> TrafficClient::ask(const model::EnvironmentKey& key,
                                                  model::ReleaseNumber release,
                                                  const std::string& path) {
  json request = keyed("ask", key);
  request["release"] = release;
  request["path"] = path;
  ECLUSE_ASSIGN(const json reply, line_.call(request));
  return Answer{reply.at("release"), reply.at("status")};
}

}  // namespace ecluse::gateway
