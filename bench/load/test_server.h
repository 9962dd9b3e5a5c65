#pragma once
// A real server for the tests: a listening socket on loopback, and a script that says what to do
// with each connection, in a thread of its own.

#include <atomic>
#include <functional>
#include <list>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>

#include "os/fd.h"

namespace ecluse::load {

/// One accepted connection, blocking.
class Peer {
 public:
  explicit Peer(int fd) : fd_(fd) {}
  /// Reads a request's head (and a body with Content-Length); empty when the client closed.
  std::string request();
  /// Reads one masked frame; returns its payload with the opcode in front, or empty.
  std::string frame();
  void write(std::string_view bytes);
  void answer(std::string_view fields, std::string_view body);
  /// Answers and closes in one packet, so that nobody can take the connection for an idle one.
  void answer_and_leave(std::string_view body);
  void upgrade();
  void write_frame(char opcode, std::string_view payload);
  /// Closes with a reset instead of an orderly end.
  void reset();
  int fd() const { return fd_; }

 private:
  bool fill();
  int fd_;
  std::string buffer_;
};

class TestServer {
 public:
  using Script = std::function<void(Peer&, int number)>;  ///< number: of the connection, from 1
  explicit TestServer(Script script);
  ~TestServer();

  std::string address() const;
  int connections() const { return connections_; }

 private:
  void accept_all();
  void serve(int fd, int number);

  Script script_;
  os::Fd listener_;
  std::uint16_t port_ = 0;
  std::atomic<int> connections_ = 0;
  std::mutex mutex_;
  std::list<int> open_;
  std::list<std::jthread> threads_;
  std::jthread acceptor_;
};

}  // namespace ecluse::load
