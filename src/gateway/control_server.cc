#include "gateway/control_server.h"

#include <fmt/format.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <map>
#include <nlohmann/json.hpp>

#include "base/log.h"
#include "gateway/kernel_features.h"
#include "gateway/measure_json.h"
#include "gateway/outcome_json.h"
#include "gateway/site_json.h"

namespace ecluse::gateway {

namespace {
using nlohmann::json;
using Handler = json (*)(const Desks&, const json&);

json refusal(const Error& error) {
  return {{"ok", false}, {"error", to_json(error)}};
}
json outcome(const Result<void>& result) {
  return result ? json{{"ok", true}} : refusal(result.error());
}

json apply(const Desks& desks, const json& j) {
  return outcome(desks.traffic.apply(site_from_json(j.at("site")), fence_from_json(j.at("fence"))));
}
json abort(const Desks& desks, const json& j) {
  return outcome(desks.traffic.abort(site_from_json(j.at("site")), j.at("aborted"),
                                     fence_from_json(j.at("fence"))));
}
json latched(const Desks& desks, const json& j) {
  const auto releases = desks.traffic.latched(j.at("rollout"));
  return releases ? json{{"ok", true}, {"releases", *releases}} : refusal(releases.error());
}
json remove(const Desks& desks, const json& j) {
  return outcome(desks.traffic.remove(key_from_json(j), fence_from_json(j.at("fence"))));
}
json sites(const Desks& desks, const json&) {
  const auto known = desks.traffic.sites();
  if (!known) return refusal(known.error());
  json list = json::array();
  for (const ports::Site& site : *known) list.push_back(to_json(site));
  return {{"ok", true}, {"sites", list}};
}
json drain(const Desks& desks, const json& j) {
  return outcome(desks.traffic.drain(key_from_json(j), j.at("release"),
                                     Duration(j.at("websocket_budget_ms").get<std::int64_t>())));
}
json counters(const Desks& desks, const json& j) {
  const auto counted = desks.traffic.counters(key_from_json(j));
  if (!counted) return refusal(counted.error());
  return {{"ok", true}, {"counters", to_json(*counted)}};
}
json ask(const Desks& desks, const json& j) {
  const auto answer = desks.traffic.ask(key_from_json(j), j.at("release"), j.at("path"));
  if (!answer) return refusal(answer.error());
  return {{"ok", true}, {"release", answer->release}, {"status", answer->status}};
}

json outcomes(const Desks& desks, const json& j) {
  const auto batch = desks.outcomes.read(key_from_json(j), cursor_from_json(j.at("cursor")),
                                         Duration(j.at("patience_ms").get<std::int64_t>()));
  return batch ? json{{"ok", true}, {"batch", to_json(*batch)}} : refusal(batch.error());
}

json measures(const Desks& desks, const json& j) {
  const auto batch = desks.measurements.read(measure_cursor_from_json(j.at("cursor")));
  return batch ? json{{"ok", true}, {"batch", to_json(*batch)}} : refusal(batch.error());
}

json upgrade(const Desks& desks, const json& j) {
  const auto generation = desks.itself.upgrade(j.value("workers", 0U));
  if (!generation) return refusal(generation.error());
  return {{"ok", true}, {"generation", *generation}};
}
json itself(const Desks& desks, const json&) {
  json kernel = json::object();
  for (const KernelFeature& one : kKernelFeatures) kernel[one.name] = kernel_features().*one.has;
  const Means means = desks.itself.means();
  return {{"ok", true},
          {"generation", desks.itself.generation()},
          {"refusal", desks.itself.refusal()},
          {"kernel", kernel},
          {"descriptors", means.descriptors},
          {"clients_max", means.clients_max}};
}

json metrics(const Desks& desks, const json&) {
  return {{"ok", true}, {"text", desks.itself.metrics()}};
}
json access_log(const Desks& desks, const json& j) {
  const auto file = desks.itself.log_every(j.at("every"));
  return file ? json{{"ok", true}, {"file", *file}} : refusal(file.error());
}
json override_token(const Desks& desks, const json& j) {
  return {{"ok", true},
          {"token", desks.itself.override_token(key_from_json(j), j.at("release"),
                                                Duration(j.at("life_ms").get<std::int64_t>()))}};
}

const std::map<std::string, Handler>& handlers() {
  static const std::map<std::string, Handler> table{
      {"apply", apply},           {"abort", abort},
      {"latched", latched},       {"remove", remove},
      {"sites", sites},           {"drain", drain},
      {"counters", counters},     {"ask", ask},
      {"outcomes", outcomes},     {"upgrade", upgrade},
      {"itself", itself},         {"metrics", metrics},
      {"access_log", access_log}, {"override", override_token},
      {"measures", measures},
  };
  return table;
}

json answer(const Desks& desks, std::string_view line) {
  try {
    const json request = json::parse(line);
    const std::string op = request.at("op");
    const auto handler = handlers().find(op);
    if (handler == handlers().end()) {
      return refusal({ErrorKind::kInvalid, fmt::format("there is no operation '{}'", op), ""});
    }
    return handler->second(desks, request);
  } catch (const json::exception& error) {
    return refusal({ErrorKind::kInvalid,
                    fmt::format("the control line cannot be read: {}", error.what()), ""});
  }
}

/// The peer hears why before it is closed; one that does not take it goes without.
void refuse_long_line(int fd) {
  const Error error{
      ErrorKind::kInvalid,
      fmt::format("a control line has at most {} bytes", ControlServer::kLineBytesMax), ""};
  log_warn("gateway: {}: a longer one was refused", error.message);
  (void)os::write_all(fd, refusal(error).dump() + "\n");
}

bool is_trusted(int fd) {
  ucred peer{};
  socklen_t length = sizeof peer;
  if (::getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &length) != 0) return false;
  return peer.uid == ::geteuid() || peer.uid == 0;
}
}  // namespace

std::string answer_line(const Desks& desks, std::string_view line) {
  return answer(desks, line).dump();
}

ControlServer::ControlServer(os::Fd listener, const Desks& desks)
    : listener_(std::move(listener)), wake_(::eventfd(0, EFD_CLOEXEC)), desks_(desks) {
  thread_ = std::thread([this] { accept_loop(); });
}

ControlServer::~ControlServer() {
  const std::uint64_t one = 1;
  (void)!::write(wake_.get(), &one, sizeof one);  // an eventfd at 0 takes it
  thread_.join();
  auto sessions = sessions_.with([](auto& all) { return std::exchange(all, {}); });
  for (const auto& session : sessions) {
    (void)::shutdown(session->connection.get(), SHUT_RDWR);  // wakes its thread, if it still reads
    session->thread.join();
  }
}

void ControlServer::reap_ended() {
  sessions_.with([](auto& all) {
    std::erase_if(all, [](const auto& session) {
      if (!session->has_ended) return false;
      session->thread.join();
      return true;
    });
  });
}

void ControlServer::accept_loop() {
  for (;;) {
    std::array<pollfd, 2> waits{pollfd{listener_.get(), POLLIN, 0}, pollfd{wake_.get(), POLLIN, 0}};
    if (::poll(waits.data(), waits.size(), -1) < 0 && errno != EINTR) return;
    if (waits[1].revents != 0) return;
    if (waits[0].revents == 0) continue;
    os::Fd connection(::accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC));
    reap_ended();
    const bool has_room =
        sessions_.with([](const auto& all) { return all.size() < kConnectionsMax; });
    if (!connection || !has_room || !is_trusted(connection.get())) continue;
    auto session = std::make_unique<Session>();
    session->connection = std::move(connection);
    Session* const raw = session.get();
    sessions_.with([&](auto& all) {
      all.push_back(std::move(session));
      raw->thread = std::thread([this, raw] {
        serve(raw->connection);
        (void)::shutdown(raw->connection.get(), SHUT_RDWR);  // it is closed when it is reaped
        sessions_.with([&](auto&) { raw->has_ended = true; });
      });
    });
  }
}

void ControlServer::serve(const os::Fd& connection) {
  std::string waiting;
  std::array<char, 65536> chunk{};
  for (;;) {
    const ssize_t n = ::recv(connection.get(), chunk.data(), chunk.size(), 0);
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return;
    waiting.append(chunk.data(), static_cast<std::size_t>(n));
    for (std::size_t end = waiting.find('\n'); end != std::string::npos; end = waiting.find('\n')) {
      if (end > kLineBytesMax) return refuse_long_line(connection.get());
      const std::string reply = answer_line(desks_, std::string_view(waiting).substr(0, end));
      waiting.erase(0, end + 1);
      if (!os::write_all(connection.get(), reply + "\n")) return;  // nobody hears it any more
    }
    if (waiting.size() > kLineBytesMax) return refuse_long_line(connection.get());
  }
}

}  // namespace ecluse::gateway
