// Whom the control socket hears, and how much of them: over the socket of a running gateway.
#include "gateway/control_server.h"

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <thread>

#include "gateway/testing_sites.h"

namespace ecluse::gateway {
namespace {

using namespace testing;
using nlohmann::json;
namespace fs = std::filesystem;

const std::string kItself = R"({"op":"itself"})";

/// A connection to the control socket.
class Peer {
 public:
  explicit Peer(const fs::path& socket) : fd_(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    const std::string path = socket.string();
    std::copy(path.begin(), path.end(), address.sun_path);
    const timeval patience{.tv_sec = kPatience.count(), .tv_usec = 0};
    ::setsockopt(fd_.get(), SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    const auto* const raw = reinterpret_cast<const sockaddr*>(&address);
    is_connected_ = ::connect(fd_.get(), raw, sizeof address) == 0;
  }
  bool is_connected() const { return is_connected_; }
  /// As far as the other side takes it.
  void send(std::string_view bytes) {
    while (!bytes.empty()) {
      const ssize_t n = ::send(fd_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (n <= 0) return;
      bytes.remove_prefix(static_cast<std::size_t>(n));
    }
  }
  /// One line without its end; empty when the other side has closed.
  std::string read_line() {
    while (received_.find('\n') == std::string::npos) {
      std::array<char, 65536> chunk{};
      const ssize_t n = ::recv(fd_.get(), chunk.data(), chunk.size(), 0);
      if (n <= 0) return {};
      received_.append(chunk.data(), static_cast<std::size_t>(n));
    }
    const std::size_t end = received_.find('\n');
    std::string line = received_.substr(0, end);
    received_.erase(0, end + 1);
    return line;
  }
  /// The other side has closed; not merely silent.
  bool has_ended() {
    char byte = 0;
    const ssize_t n = ::recv(fd_.get(), &byte, 1, 0);
    return n == 0 || (n < 0 && (errno == ECONNRESET || errno == EPIPE));
  }
  bool is_answered() {
    send(kItself + "\n");
    const json answer = json::parse(read_line(), nullptr, false);
    return answer.is_object() && answer.value("ok", false);
  }

 private:
  os::Fd fd_;
  std::string received_;
  bool is_connected_ = false;
};

class ControlSocket : public ::testing::Test {
 protected:
  fs::path socket() const { return served_.folder.path() / "gateway.sock"; }
  Served served_;
};

TEST_F(ControlSocket, ALineOfTheLargestSizeIsRead) {
  Peer peer(socket());
  std::string line = kItself;
  line.resize(ControlServer::kLineBytesMax, ' ');
  peer.send(line + "\n");
  EXPECT_TRUE(json::parse(peer.read_line()).value("ok", false));
}

TEST_F(ControlSocket, ALineBeyondTheLargestSizeIsRefusedWithAWordWhetherItEndsOrNot) {
  std::string line = kItself;
  line.resize(ControlServer::kLineBytesMax + 1, ' ');
  for (const std::string end : {"\n", ""}) {
    Peer peer(socket());
    peer.send(line + end);
    const json answer = json::parse(peer.read_line(), nullptr, false);
    ASSERT_TRUE(answer.is_object() && answer.contains("error")) << "ended by: " << end;
    EXPECT_EQ(answer.at("error").at("kind"), "invalid");
    EXPECT_NE(answer.at("error").at("message").get<std::string>().find("8388608"),
              std::string::npos);
    EXPECT_TRUE(peer.has_ended());
  }
}

TEST_F(ControlSocket, OneConnectionMoreThanItsNumberIsClosedAndThoseHereAreServed) {
  std::vector<std::unique_ptr<Peer>> here;
  for (std::size_t i = 0; i < ControlServer::kConnectionsMax; ++i) {
    here.push_back(std::make_unique<Peer>(socket()));
    ASSERT_TRUE(here.back()->is_answered()) << i;
  }
  EXPECT_TRUE(Peer(socket()).has_ended());
  for (const auto& peer : here) EXPECT_TRUE(peer->is_answered());
  here.pop_back();
  EXPECT_TRUE(eventually([&] { return Peer(socket()).is_answered(); }));
}

/// The modes of the socket and its folder are opened, so that only the server stands in the way.
TEST_F(ControlSocket, APeerOfAnotherUserIsClosedAtOnce) {
  if (::geteuid() != 0) GTEST_SKIP() << "only root can be somebody else";
  constexpr int kNobody = 65'534;
  fs::permissions(served_.folder.path(), fs::perms::all);
  fs::permissions(socket(), fs::perms::all);
  std::thread([&] {
    ASSERT_EQ(::syscall(SYS_setresuid, -1, kNobody, -1), 0);  // of this thread alone
    Peer other(socket());
    ASSERT_TRUE(other.is_connected());
    EXPECT_TRUE(other.has_ended());
  }).join();
  EXPECT_TRUE(Peer(socket()).is_answered());
}

}  // namespace
}  // namespace ecluse::gateway
