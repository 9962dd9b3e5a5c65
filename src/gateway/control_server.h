#pragma once
// The control socket: JSON lines over a Unix socket, for our own user and root only. Protocol:
// docs/gateway.md.

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "base/locked.h"
#include "os/fd.h"
#include "ports/measurements.h"
#include "ports/outcomes.h"
#include "ports/traffic.h"

namespace ecluse::gateway {

/// What the machine gives a worker process.
struct Means {
  std::uint64_t descriptors = 0;  ///< RLIMIT_NOFILE
  std::uint64_t clients_max = 0;  ///< connections of clients, over all threads
};

/// What the gateway is asked about itself. Called from any thread.
struct Itself {
  /// Replaces the worker process, with `threads` (0: as many as now). Returns at once which
  /// generation it is that was asked.
  std::function<Result<std::uint64_t>(unsigned threads)> upgrade;
  std::function<std::uint64_t()> generation;  ///< of worker processes: counts from 1
  std::function<std::string()> refusal;       ///< why the last upgrade failed; empty: it did not
  std::function<Means()> means;
  std::function<std::string()> metrics;  ///< as GET /metrics says them
  /// Logs one request of every `n`, 0 none; the file. Invalid: it was given no place for a log.
  std::function<Result<std::string>(std::uint32_t n)> log_every;
  /// A signed word that sends its bearer to `release` for so long.
  std::function<std::string(const model::EnvironmentKey& key, model::ReleaseNumber release,
                            Duration life)>
      override_token;
};

/// What the socket speaks for; all outlive it.
struct Desks {
  ports::Traffic& traffic;
  ports::Outcomes& outcomes;
  ports::Measurements& measurements;
  const Itself& itself;
};
/// One request line answered; never throws, always returns one line without its end.
std::string answer_line(const Desks& desks, std::string_view line);

/// One thread accepts, one serves each connection, at most kConnectionsMax.
class ControlServer {
 public:
  static constexpr std::size_t kConnectionsMax = 32;
  static constexpr std::size_t kLineBytesMax = 8 << 20;

  ControlServer(os::Fd listener, const Desks& desks);
  ~ControlServer();
  ControlServer(const ControlServer&) = delete;
  ControlServer& operator=(const ControlServer&) = delete;

 private:
  void accept_loop();
  void serve(const os::Fd& connection);
  void reap_ended();

  struct Session {
    std::thread thread;
    os::Fd connection;
    bool has_ended = false;
  };
  os::Fd listener_;
  os::Fd wake_;
  const Desks desks_;
  Locked<std::vector<std::unique_ptr<Session>>> sessions_;
  std::thread thread_;
};

}  // namespace ecluse::gateway
