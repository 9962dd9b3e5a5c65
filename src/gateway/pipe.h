#pragma once
// Bodies that only pass: the kernel moves them from one connection to another by way of a pipe
// (splice, Linux 2.6.17) and copies nothing to us and back. Used by the thread that owns the pool.

#include <cstddef>
#include <memory>
#include <vector>

#include "gateway/socket.h"
#include "os/fd.h"

namespace ecluse::gateway {

class Pipe {
 public:
  static constexpr std::size_t kPieceBytes = 512 * 1024;

  /// Null: no descriptors.
  static std::unique_ptr<Pipe> make();

  /// Bytes on their way: they left one connection and did not reach the other.
  std::size_t bytes() const { return bytes_; }
  /// Takes up to `most` bytes off a connection without a transport, as Socket::fill(); nothing may
  /// be on its way. bytes() tells how many came.
  Io take(Socket& from, std::size_t most);
  /// Hands on what is on its way, as Socket::flush(), to a connection without a transport that has
  /// nothing pending. kProgress: at least something of it.
  Io give(Socket& to);

 private:
  Pipe(os::Fd in, os::Fd out) : in_(std::move(in)), out_(std::move(out)) {}
  os::Fd in_;
  os::Fd out_;
  std::size_t bytes_ = 0;
};

/// Lends pipes; an empty one is used again. What a slow reader leaves in one stays there, so their
/// number is bounded, and with it what we hold.
class PipePool {
 public:
  static constexpr std::size_t kPipesMax = 16;

  struct Return {
    PipePool* pool = nullptr;
    void operator()(Pipe* pipe) const { pool->take_back(pipe); }
  };
  using Lent = std::unique_ptr<Pipe, Return>;

  PipePool() = default;
  PipePool(const PipePool&) = delete;
  PipePool& operator=(const PipePool&) = delete;
  /// Null when all are lent, there are no descriptors or the kernel has no splice: then bodies are
  /// copied.
  Lent lend();
  std::size_t lent() const { return lent_; }

 private:
  static constexpr std::size_t kKeptMax = 4;
  void take_back(Pipe* pipe);
  std::vector<std::unique_ptr<Pipe>> kept_;
  std::size_t lent_ = 0;
};

}  // namespace ecluse::gateway
