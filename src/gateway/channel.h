#pragma once
// What keeper and worker process say to each other: small JSON messages with descriptors attached,
// over a SOCK_SEQPACKET pair.

#include <cstdint>
#include <string>
#include <vector>

#include "base/result.h"
#include "gateway/gateway.h"
#include "os/fd.h"

namespace ecluse::gateway {

struct Message {
  enum class Kind : std::uint8_t {
    kStart,      ///< to the worker: options; memfd, then the control listener if there is one
    kListener,   ///< to the worker: one socket per thread
    kRefused,    ///< to the worker: the port could not be opened, and why
    kFinish,     ///< to the worker: drain and exit
    kReady,      ///< to the keeper: the table is in, sockets are being accepted from
    kOpenPort,   ///< to the keeper
    kClosePort,  ///< to the keeper
  };
  Kind kind = Kind::kReady;
  std::string text;  ///< options, an address, or an error
  std::uint16_t port = 0;
  std::vector<os::Fd> descriptors;
};

/// Blocking. Fails Unavailable when the other side is gone.
Result<void> send_message(int channel, const Message& message);
Result<Message> receive_message(int channel);

std::string options_text(const GatewayOptions& options);
Result<GatewayOptions> parse_options_text(const std::string& text);

}  // namespace ecluse::gateway
