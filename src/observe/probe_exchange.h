#pragma once
// One attempt of a probe: connect, perhaps ask over HTTP, and what came of it. Never blocks; its
// owner polls fd() for wants() and calls advance(), or expire() when the deadline passed.

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>

#include "base/result.h"
#include "base/time.h"
#include "os/fd.h"

namespace ecluse::observe {

struct ProbeOutcome {
  bool ok = false;
  int status = 0;
  std::string detail;
};

struct ProbeQuestion {
  std::string address;  ///< IPv4 or IPv6, a literal
  std::uint16_t port = 0;
  std::string request;  ///< HTTP; empty: a connection is answer enough
};

/// A GET as the gateway would forward it.
std::string probe_request(const std::string& path, const std::string& host);

class ProbeExchange {
 public:
  /// Starts connecting. The outcome may be there at once (refused, no such address).
  explicit ProbeExchange(ProbeQuestion question);

  int fd() const { return fd_.get(); }
  short wants() const;  ///< POLLIN or POLLOUT
  void advance();
  bool connecting() const { return phase_ == Phase::kConnecting; }
  /// `waited` only serves the message.
  void expire(Duration waited);

  /// Set as soon as the verdict stands.
  const std::optional<ProbeOutcome>& outcome() const { return outcome_; }
  /// Nothing more to read. After the verdict the rest of the answer is still read (bounded), since
  /// closing on an app that still writes would put errors in its log.
  bool finished() const { return finished_; }

 private:
  enum class Phase { kConnecting, kSending, kReceiving };
  void connect();
  void on_connected();
  void send();
  void receive();
  void judge(bool at_end);
  void settle(ProbeOutcome outcome);
  void fail_with(int code);

  ProbeQuestion question_;
  os::Fd fd_;
  Phase phase_ = Phase::kConnecting;
  std::size_t sent_ = 0;
  std::size_t discarded_ = 0;
  std::string received_;
  std::optional<ProbeOutcome> outcome_;
  bool finished_ = false;
};

}  // namespace ecluse::observe
