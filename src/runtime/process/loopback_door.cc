#include "runtime/process/loopback_door.h"

#include <signal.h>

#include <algorithm>
#include <optional>

#include "base/log.h"
#include "runtime/process/firewall.h"
#include "runtime/process/listening.h"
#include "runtime/process/namespace_thread.h"

namespace ecluse::runtime {

namespace {
constexpr auto kLookEvery = std::chrono::milliseconds(40);
constexpr int kQuickLooks = 500;  ///< then only each tenth round
constexpr int kSlowDown = 10;

enum class Door { kShut, kPublic, kLoopbackOnly };

Door door_of(int pid, std::uint16_t port) {
  Door door = Door::kShut;
  for (const auto& socket : listening_near(pid)) {
    if (socket.at.port != port) continue;
    if (!is_loopback(socket.at.address)) return Door::kPublic;
    door = Door::kLoopbackOnly;
  }
  return door;
}

Result<void> open_door(int pid, std::uint16_t port) {
  ECLUSE_ASSIGN(const os::Fd netns, network_namespace_of(pid));
  return inside(netns.get(), [port] { return open_loopback_port(port); });
}
}  // namespace

LoopbackDoors::LoopbackDoors() {
  thread_ = std::jthread([this](const std::stop_token& stop) { run(stop); });
}

LoopbackDoors::~LoopbackDoors() {
  thread_.request_stop();
  pending_.change([](All& all) { all.clear(); });
  wanted_.change([](bool& wanted) { wanted = true; });
}

void LoopbackDoors::watch(const std::string& id, int pid, std::uint16_t port) {
  if (port == 0 || pid <= 0) return;
  pending_.with([&](All& all) { all[id] = {pid, port, 0}; });
  wanted_.change([](bool& wanted) { wanted = true; });
}

void LoopbackDoors::forget(const std::string& id) {
  pending_.with([&](All& all) { all.erase(id); });
}

void LoopbackDoors::run(const std::stop_token& stop) {
  while (!stop.stop_requested()) {
    const All round = pending_.with([](All& all) {
      for (auto& [id, one] : all) ++one.looks;
      return all;
    });
    for (const auto& [id, one] : round) {
      if (one.looks > kQuickLooks && one.looks % kSlowDown != 0) continue;
      const bool gone = ::kill(one.pid, 0) != 0;
      const Door door = gone ? Door::kShut : door_of(one.pid, one.port);
      if (!gone && door == Door::kShut) continue;
      if (door == Door::kLoopbackOnly) {
        if (auto opened = open_door(one.pid, one.port); !opened) {
          log_error("{} listens on 127.0.0.1:{} only and cannot be reached: {}", id, one.port,
                    opened.error().message);
        }
      }
      pending_.with([&, &name = id, &seen = one](All& all) {
        const auto found = all.find(name);
        if (found != all.end() && found->second.pid == seen.pid) all.erase(found);
      });
    }
    const bool idle = pending_.with([](const All& all) { return all.empty(); });
    const std::chrono::milliseconds pause =
        idle ? std::chrono::hours(1) : std::chrono::milliseconds(kLookEvery);
    wanted_.when(
        pause, [](const bool& wanted) { return wanted; }, [](bool& wanted) { wanted = false; });
  }
}

}  // namespace ecluse::runtime
