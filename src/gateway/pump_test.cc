// A body on its way through the kernel, from one connection to another that takes little at a time.
#include "gateway/pump.h"

#include <gtest/gtest.h>
#include <sys/socket.h>

#include <array>
#include <string>

namespace ecluse::gateway {
namespace {

/// One of our sockets, and the peer at its other end.
struct Pair {
  Pair() {
    std::array<int, 2> ends{};
    if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends.data()) != 0) {
      throw std::runtime_error("socketpair");
    }
    ours.fd.reset(ends[0]);
    peer.reset(ends[1]);
    ours.readable = ours.writable = true;
  }
  Socket ours;
  os::Fd peer;
};

/// Who reads is not still, however much of the body waits behind what it reads.
TEST(Pump, HasMovedWhenTheReaderTookBytesAndNoMoreWereRead) {
  BlockPool pool;
  PipePool pipes;
  Pair app;
  Pair client;
  const std::string body(100'000, 'x');
  const int small = 4096;
  ASSERT_EQ(::setsockopt(client.ours.fd.get(), SOL_SOCKET, SO_SNDBUF, &small, sizeof small), 0);
  ASSERT_EQ(::send(app.peer.get(), body.data(), body.size(), 0), std::ssize(body));
  Pump pump;
  pump.start({.from = {http1::BodyKind::kLength, body.size()}, .pipes = &pipes});
  ASSERT_EQ(pump.run(app.ours, client.ours, pool, {}), PumpState::kBlocked);
  const std::uint64_t moved = pump.moved();
  const std::uint64_t read = pump.bytes();
  std::array<char, 65536> taken{};
  ASSERT_GT(::recv(client.peer.get(), taken.data(), taken.size(), 0), 0);
  client.ours.writable = true;
  ASSERT_NE(pump.run(app.ours, client.ours, pool, {}), PumpState::kSinkBroken);
  EXPECT_EQ(pump.bytes(), read);
  EXPECT_GT(pump.moved(), moved);
  app.ours.close(pool);
  client.ours.close(pool);
}

}  // namespace
}  // namespace ecluse::gateway
