#include "gateway/keeper_state.h"

#include <fcntl.h>
#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "gateway/channel.h"

namespace ecluse::gateway {

namespace {
using nlohmann::json;

json seat_json(const WorkerSeat& seat) {
  return {{"pid", seat.pid},
          {"channel", seat.channel.get()},
          {"row", seat.rows.first},
          {"rows", seat.rows.count},
          {"ready", seat.is_ready}};
}

void mark(const os::Fd& fd, bool is_inheritable) {
  if (fd) (void)::fcntl(fd.get(), F_SETFD, is_inheritable ? 0 : FD_CLOEXEC);  // cannot fail: open
}

os::Fd take_fd(const json& number) {
  os::Fd fd(number.get<int>());
  mark(fd, false);
  return fd;
}

WorkerSeat seat_from_json(const json& j) {
  WorkerSeat seat;
  seat.pid = j.at("pid");
  seat.channel = take_fd(j.at("channel"));
  seat.rows = {j.at("row"), j.at("rows")};
  seat.is_ready = j.at("ready");
  seat.spawned_at = std::chrono::steady_clock::now();
  return seat;
}

json listener_json(const OpenListener& listener) {
  json shards = json::array();
  for (const os::Fd& shard : listener.shards) shards.push_back(shard.get());
  return {{"host", listener.address.host},
          {"port", listener.address.port},
          {"tls", listener.address.is_tls},
          {"on_demand", listener.on_demand},
          {"shards", shards}};
}

OpenListener listener_from_json(const json& j) {
  OpenListener listener;
  listener.address.host = j.at("host");
  listener.address.port = j.at("port");
  listener.address.is_tls = j.value("tls", false);
  listener.on_demand = j.at("on_demand");
  for (const json& shard : j.at("shards")) listener.shards.push_back(take_fd(shard));
  return listener;
}
}  // namespace

std::string keeper_text(const KeeperState& state) {
  json listeners = json::array();
  for (const OpenListener& one : state.listeners) listeners.push_back(listener_json(one));
  json leaving = json::array();
  for (const WorkerSeat& seat : state.leaving) leaving.push_back(seat_json(seat));
  return json{{"form", KeeperState::kForm},
              {"options", options_text(state.options)},
              {"control_socket", state.options.control_socket.string()},
              {"program", state.program_path},
              {"generation", state.generation},
              {"lock", state.lock.get()},
              {"memory", state.memory.get()},
              {"control", state.control.get()},
              {"listeners", listeners},
              {"current", seat_json(state.current)},
              {"leaving", leaving}}
      .dump();
}

Result<KeeperState> parse_keeper_text(const std::string& text) {
  try {
    const json j = json::parse(text);
    if (j.at("form") != KeeperState::kForm) {
      return fail(ErrorKind::kInvalid, "the former keeper speaks of itself in another form");
    }
    KeeperState state;
    ECLUSE_ASSIGN(state.options, parse_options_text(j.at("options")));
    state.options.control_socket = j.at("control_socket").get<std::string>();
    state.program_path = j.at("program");
    state.generation = j.at("generation");
    state.lock = take_fd(j.at("lock"));
    state.memory = take_fd(j.at("memory"));
    state.control = take_fd(j.at("control"));
    for (const json& one : j.at("listeners")) state.listeners.push_back(listener_from_json(one));
    state.current = seat_from_json(j.at("current"));
    for (const json& one : j.at("leaving")) state.leaving.push_back(seat_from_json(one));
    return state;
  } catch (const json::exception& error) {
    return fail(ErrorKind::kInvalid,
                fmt::format("what the former keeper left cannot be read: {}", error.what()));
  }
}

void set_inheritable(const KeeperState& state, bool is_inheritable) {
  for (const os::Fd* fd : {&state.lock, &state.memory, &state.control, &state.current.channel}) {
    mark(*fd, is_inheritable);
  }
  for (const OpenListener& listener : state.listeners) {
    for (const os::Fd& shard : listener.shards) mark(shard, is_inheritable);
  }
  for (const WorkerSeat& seat : state.leaving) mark(seat.channel, is_inheritable);
}

}  // namespace ecluse::gateway
