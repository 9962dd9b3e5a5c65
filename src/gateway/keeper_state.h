#pragma once
// What a keeper hands to the program that it becomes: itself after an upgrade, under the same pid.

#include <cstdint>
#include <string>
#include <vector>

#include "base/result.h"
#include "gateway/gateway.h"
#include "gateway/listen_address.h"
#include "gateway/worker_seat.h"
#include "os/fd.h"

namespace ecluse::gateway {

struct OpenListener {
  ListenAddress address;
  std::vector<os::Fd> shards;
  bool on_demand = false;
};

struct KeeperState {
  /// The form of the text below; a program that knows another one does not take over.
  static constexpr int kForm = 1;

  GatewayOptions options;
  std::string program_path;  ///< where an upgrade finds the newest program
  std::uint64_t generation = 0;
  os::Fd lock;
  os::Fd memory;
  os::Fd control;
  std::vector<OpenListener> listeners;
  WorkerSeat current;
  std::vector<WorkerSeat> leaving;  ///< they drain
};

/// JSON that names descriptors by their numbers.
std::string keeper_text(const KeeperState& state);
/// Takes the descriptors over: they are close-on-exec from here on. Invalid: another form.
Result<KeeperState> parse_keeper_text(const std::string& text);
/// Whether execve() keeps the state's descriptors open.
void set_inheritable(const KeeperState& state, bool is_inheritable);

}  // namespace ecluse::gateway
