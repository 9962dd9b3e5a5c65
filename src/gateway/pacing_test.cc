#include "gateway/pacing.h"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <netinet/tcp.h>

#include <array>
#include <string>
#include <string_view>

#include "os/fd.h"

namespace ecluse::gateway {
namespace {

std::string congestion_control_of(int socket) {
  std::array<char, 16> name{};
  socklen_t length = name.size() - 1;
  EXPECT_EQ(::getsockopt(socket, IPPROTO_TCP, TCP_CONGESTION, name.data(), &length), 0);
  return name.data();
}

/// A socket that does as `control` says.
class Pacing : public testing::Test {
 protected:
  void use(std::string_view control) {
    const bool is_here = ::setsockopt(socket_.get(), IPPROTO_TCP, TCP_CONGESTION, control.data(),
                                      control.size()) == 0;
    if (!is_here) GTEST_SKIP() << "this kernel has no " << control;
  }

  std::string after_stop(const char* host) {
    sockaddr_in address{
        .sin_family = AF_INET, .sin_port = htons(80), .sin_addr = {}, .sin_zero = {}};
    EXPECT_EQ(::inet_pton(AF_INET, host, &address.sin_addr), 1);
    stop_pacing(socket_.get(), reinterpret_cast<const sockaddr&>(address));
    return congestion_control_of(socket_.get());
  }

  std::string after_stop_v6(const char* host) {
    sockaddr_in6 address{};
    address.sin6_family = AF_INET6;
    EXPECT_EQ(::inet_pton(AF_INET6, host, &address.sin6_addr), 1);
    stop_pacing(socket_.get(), reinterpret_cast<const sockaddr&>(address));
    return congestion_control_of(socket_.get());
  }

 private:
  os::Fd socket_{::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)};
};

class PacingOfBbr : public Pacing {
  void SetUp() override { use("bbr"); }
};

TEST_F(PacingOfBbr, EndsOnLoopback) {
  EXPECT_EQ(after_stop("127.0.0.1"), "reno");
}
TEST_F(PacingOfBbr, EndsOnAnyAddressOfLoopback) {
  EXPECT_EQ(after_stop("127.8.9.10"), "reno");
}
TEST_F(PacingOfBbr, EndsOnLoopbackOfIpv6) {
  EXPECT_EQ(after_stop_v6("::1"), "reno");
}
TEST_F(PacingOfBbr, StaysTowardsOthers) {
  EXPECT_EQ(after_stop("192.0.2.1"), "bbr");
}
TEST_F(PacingOfBbr, StaysWhereAnybodyMayConnect) {
  EXPECT_EQ(after_stop("0.0.0.0"), "bbr");
}
TEST_F(PacingOfBbr, StaysWhereAnybodyMayConnectByIpv6) {
  EXPECT_EQ(after_stop_v6("::"), "bbr");
}

TEST_F(Pacing, LeavesAloneWhatDoesNotPace) {
  use("cubic");
  if (IsSkipped()) return;
  EXPECT_EQ(after_stop("127.0.0.1"), "cubic");
}

}  // namespace
}  // namespace ecluse::gateway
