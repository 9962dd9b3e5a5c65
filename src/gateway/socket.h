#pragma once
// A non-blocking TCP connection with its two buffers, registered edge-triggered once: what is
// readable and writable is remembered here, so that the steady path makes no call but read and
// write.

#include <sys/uio.h>

#include <cstdint>
#include <memory>
#include <span>
#include <string_view>

#include "gateway/block_pool.h"
#include "os/fd.h"

namespace ecluse::gateway {

enum class Io : std::uint8_t {
  kProgress,
  kBlocked,  ///< nothing more until the next event
  kEnd,      ///< the peer has sent all it will
  kBroken,   ///< reset, or the descriptor failed
};

/// What follows the bytes of a send().
enum class Next : std::uint8_t {
  kMore,
  kEnd,  ///< end_sending() or close(), in this very turn: the last bytes may leave with it
};

/// Carries a connection's bytes where a bare descriptor does not: TLS over it, or one stream of an
/// HTTP/2 connection. Belongs to its Socket, is used by the thread of that socket only, and answers
/// as the system calls do: the count of bytes, or -1 with errno, EAGAIN meaning that whoever
/// drives the transport calls Socket::note_events() when it is worth another try.
class Transport {
 public:
  Transport() = default;
  Transport(const Transport&) = delete;
  Transport& operator=(const Transport&) = delete;
  virtual ~Transport() = default;

  /// What epoll says of the descriptor below, when there is one.
  virtual void note_events(std::uint32_t /*events*/) {}
  /// 0 is the clean end of what the peer sends.
  virtual ssize_t read(std::span<char> room) = 0;
  /// May take less than all pieces hold.
  virtual ssize_t write(std::span<const iovec> pieces, Next next) = 0;
  /// Nothing waits below that read() would give.
  virtual bool is_drained() const { return false; }
  /// We send no more; the peer may still.
  virtual void end_sending() = 0;
  /// The last call. With `reset` the peer must not take what it has for all there is.
  virtual void close(bool reset) = 0;
};

class Socket {
 public:
  os::Fd fd;                             ///< none if the transport needs none
  std::unique_ptr<Transport> transport;  ///< null: the descriptor carries the bytes bare
  bool is_watched = false;               ///< epoll knows it
  bool readable = false;
  bool writable = false;
  bool hung_up = false;  ///< the peer closed, at least its sending side: read until the end
  bool was_reset = false;
  bool seen_end = false;  ///< read() said so

  /// Nothing more is known to come: not a byte waits in the kernel. Closing then resets nobody.
  bool has_nothing_unread() const;
  /// Takes in what epoll reported.
  void note_events(std::uint32_t events);

  /// Received bytes that nobody has consumed.
  std::string_view received() const;
  std::span<char> received_mutable();
  std::size_t received_begin() const { return in_begin_; }
  /// A view into the block, for what was consumed but is still there.
  std::string_view block_view(std::size_t begin, std::size_t end) const;
  void consume(std::size_t n) { in_begin_ += static_cast<std::uint32_t>(n); }
  /// Reads once. Moves unconsumed bytes to the front of the block when its end is reached.
  Io fill(BlockPool& pool);
  /// Changes whenever bytes in the block are moved or overwritten: views from before are void.
  std::uint32_t moves() const { return moves_; }
  void release_empty(BlockPool& pool);

  /// Room at the end of the pending output, for a head or a chunk's frame.
  std::span<char> output_room(BlockPool& pool);
  void produced(std::size_t n) { out_end_ += static_cast<std::uint32_t>(n); }
  std::size_t output_pending() const { return out_end_ - out_begin_; }
  /// Forgets what is pending: none of it was sent.
  void discard_output() { out_end_ = out_begin_; }
  bool append(std::string_view bytes, BlockPool& pool);
  /// Writes the pending output, then `body`, then `suffix` in one call; returns how many bytes of
  /// body and suffix together went out through `sent`.
  Io send(std::string_view body, std::string_view suffix, std::size_t& sent, BlockPool& pool,
          Next next = Next::kMore);
  Io flush(BlockPool& pool);

  /// Half a close: we have said all. Nothing may be pending.
  void end_sending();
  /// Closes at once. With `reset` the peer sees a reset, never a clean end.
  void close(BlockPool& pool, bool reset = false);

 private:
  void rewind();
  ssize_t read_once(std::span<char> room);
  ssize_t write_once(std::span<iovec> pieces, Next next);

  Block* in_ = nullptr;
  Block* out_ = nullptr;
  std::uint32_t moves_ = 0;
  std::uint32_t in_begin_ = 0;
  std::uint32_t in_end_ = 0;
  std::uint32_t out_begin_ = 0;
  std::uint32_t out_end_ = 0;
};

}  // namespace ecluse::gateway
