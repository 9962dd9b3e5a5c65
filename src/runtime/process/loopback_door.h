#pragma once
// Watches instances that have just started until their port is open. One that listens on 127.0.0.1
// only gets a rule in its namespace, so that it is reached all the same.

#include <filesystem>
#include <functional>
#include <map>
#include <string>
#include <thread>

#include "base/locked.h"
#include "base/time.h"

namespace ecluse::runtime {

/// Thread-safe.
class LoopbackDoors {
 public:
  LoopbackDoors();
  ~LoopbackDoors();

  /// Looks until something listens on `port` in the namespace of `pid`, or `pid` is gone. A later
  /// call for the same id replaces the earlier one.
  void watch(const std::string& id, int pid, std::uint16_t port);
  void forget(const std::string& id);

 private:
  struct Pending {
    int pid = 0;
    std::uint16_t port = 0;
    int looks = 0;
  };
  using All = std::map<std::string, Pending>;
  void run(const std::stop_token& stop);

  Locked<All> pending_;
  Locked<bool> wanted_;
  std::jthread thread_;
};

}  // namespace ecluse::runtime
