#pragma once
// What keeper and worker process say to each other: small JSON messages with descriptors attached,
// over a SOCK_SEQPACKET pair.

#include <cstdint>
#include <string>
#include <vector>

#include "base/result.h"
#include "gateway/gateway.h"
#include "gateway/worker_seat.h"
#include "os/fd.h"

namespace ecluse::gateway {

struct Message {
  enum class Kind : std::uint8_t {
    kStart,      ///< to the worker: WorkerStart; memfd, then the control listener if there is one
    kPrepared,   ///< to the keeper: it could serve; it has not read the table yet
    kListener,   ///< to the worker: the shards of one address
    kServe,      ///< to the worker: all listeners were given, nobody else decides now
    kReady,      ///< to the keeper: the table is in, sockets are being accepted from
    kRefused,    ///< to the worker: the port could not be opened, and why
    kFinish,     ///< to the worker: drain and exit
    kUpgrade,    ///< to the keeper: replace the worker by the program on disk; `port`: threads
    kQuiesce,    ///< to the worker: take no more orders, another will
    kQuiet,      ///< to the keeper: the last order is done, in memory and on disk
    kResume,     ///< to the worker: the other failed (`text`); take orders again
    kHandOver,   ///< to the worker: another serves; accept no more, let what is open end
    kOpenPort,   ///< to the keeper
    kClosePort,  ///< to the keeper
  };
  Kind kind = Kind::kReady;
  std::string text;  ///< options, an address, or an error
  std::uint16_t port = 0;
  bool is_tls = false;  ///< of a listener
  std::vector<os::Fd> descriptors;
};

/// What a worker process is told first. A field that one of two versions does not know is left out
/// or ignored: keeper and worker may be of different ones during an upgrade.
struct WorkerStart {
  GatewayOptions options;
  std::uint64_t generation = 1;  ///< of worker processes of this gateway
  Rows rows;                     ///< its own
  std::vector<Rows> busy;        ///< of others that still live; empty: it is alone
  int keeper_form = 0;           ///< KeeperState::kForm of the keeper
};

/// Blocking. Fails Unavailable when the other side is gone.
Result<void> send_message(int channel, const Message& message);
Result<Message> receive_message(int channel);

std::string options_text(const GatewayOptions& options);
Result<GatewayOptions> parse_options_text(const std::string& text);
std::string start_text(const WorkerStart& start);
Result<WorkerStart> parse_start_text(const std::string& text);

}  // namespace ecluse::gateway
