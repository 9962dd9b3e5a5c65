#pragma once
// What the tests of this folder share: the real gateway as a child process, an app that records the
// exact bytes it receives, and a client that sends exact bytes. Every wait has a deadline.

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "base/locked.h"
#include "os/fd.h"

namespace ecluse::gateway::testing {

inline constexpr std::chrono::seconds kPatience{20};  ///< sanitizers on a busy machine are slow

/// Asks `ready` again and again until it says yes; false after kPatience.
bool eventually(const std::function<bool()>& ready);

/// A folder of its own under the system's temporary one, removed with the object.
class TemporaryFolder {
 public:
  TemporaryFolder();
  ~TemporaryFolder();
  const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
};

/// ecluse-gateway-dev with these arguments after "gateway".
class GatewayProcess {
 public:
  explicit GatewayProcess(std::vector<std::string> arguments,
                          std::string program = ECLUSE_GATEWAY_PROGRAM);
  ~GatewayProcess();
  GatewayProcess(const GatewayProcess&) = delete;
  GatewayProcess& operator=(const GatewayProcess&) = delete;

  std::uint16_t port() const { return port_; }
  /// Of the listener with TLS, when --tls-listen was among the arguments.
  std::uint16_t tls_port() const { return tls_port_; }
  int pid() const { return pid_; }
  /// The worker process, or 0 while there is none.
  int worker_pid() const;
  /// The one started last: others drain after an upgrade.
  int newest_worker_pid() const;
  std::size_t worker_count() const;
  /// SIGKILL to the worker; returns when another one has taken its place.
  void kill_worker();
  void kill_keeper();
  /// The exit code of one that ends by itself.
  int await_exit();
  /// SIGTERM, and the exit code.
  int terminate();

 private:
  std::vector<int> worker_pids() const;
  int pid_ = 0;
  os::Fd output_;
  std::uint16_t port_ = 0;
  std::uint16_t tls_port_ = 0;
};

/// A TCP client of exact bytes.
class RawClient {
 public:
  explicit RawClient(std::uint16_t port);
  /// False when the other side has reset or closed.
  bool send(std::string_view bytes);
  /// Everything until the other side closes; `was_reset` tells a reset from an end.
  std::string read_to_end();
  /// Until `received` contains `text`; all of it so far.
  std::string read_until(std::string_view text);
  /// As read_until(), and takes it: the next call looks behind `text`. Empty if it never came.
  std::string take_through(std::string_view text);
  /// One answer with a Content-Length, and nothing more.
  std::string read_answer();
  void end_sending();
  void reset();
  bool was_reset() const { return was_reset_; }
  bool timed_out() const { return timed_out_; }

 private:
  bool read_some();
  os::Fd fd_;
  std::string received_;
  bool was_reset_ = false;
  bool timed_out_ = false;
};

/// Sends `request` on a fresh connection and reads to the end.
std::string answer_to(std::uint16_t port, std::string_view request);
int status_of(std::string_view answer);
std::string body_of(std::string_view answer);

/// An app. Each connection is served by `serve` on a thread of its own.
class RecordingApp {
 public:
  /// A connection of the app, with what it has read so far.
  class Peer {
   public:
    Peer(os::Fd fd, RecordingApp& app) : fd_(std::move(fd)), app_(app) {}
    /// The next request, head and body as they came; empty at the end of the connection.
    std::string read_request();
    /// Whatever comes next; empty at the end.
    std::string read_some();
    bool send(std::string_view bytes);
    void reset();
    int fd() const { return fd_.get(); }

   private:
    bool fill();
    os::Fd fd_;
    RecordingApp& app_;
    std::string waiting_;
  };
  using Serve = std::function<void(Peer&)>;

  /// Answers every request with 200 and `body`.
  explicit RecordingApp(std::string body = "ok");
  explicit RecordingApp(Serve serve);
  ~RecordingApp();

  std::uint16_t port() const { return port_; }
  std::string address() const;
  /// All bytes received, over all connections in order of arrival.
  std::string received() const;
  void forget();
  /// New connections are refused from now on, as after the death of a process.
  void stop_listening();
  std::size_t connections() const { return connection_count_; }

 private:
  void accept_loop();
  void note(std::string_view bytes);

  Serve serve_;
  os::Fd listener_;
  std::uint16_t port_ = 0;
  std::atomic<bool> ends_{false};
  std::atomic<std::size_t> connection_count_{0};
  Locked<std::string> received_;
  Locked<std::vector<int>> open_;
  std::vector<std::thread> threads_;
  std::thread acceptor_;
};

/// The gateway in front of one app.
struct Proxy {
  explicit Proxy(RecordingApp& app, std::vector<std::string> more = {});
  std::unique_ptr<GatewayProcess> gateway;
  std::uint16_t port() const { return gateway->port(); }
};

}  // namespace ecluse::gateway::testing
