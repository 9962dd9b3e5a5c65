#include "runtime/process/network.h"

#include <arpa/inet.h>
#include <sys/socket.h>

#include <thread>

#include "os/subprocess.h"
#include "os/testing_network.h"
#include "runtime/process/firewall.h"
#include "runtime/process/namespace_thread.h"
#include "runtime/process/runtime_test_home.h"

namespace ecluse::runtime {
namespace {

using os::testing::on_a_host_of_its_own;
using testing::eventually;

void shell(const std::string& command) {
  const auto done = os::output_of({.argv = {"/bin/sh", "-ec", command}});
  ASSERT_TRUE(done) << command << ": " << done.error().message;
}

std::string said_by(const std::vector<std::string>& argv) {
  const auto done = os::output_of({.argv = argv});
  return done ? *done : "error: " + done.error().message;
}

/// A machine beyond the host that knows no way back to instances: 198.51.100.2, behind
/// 198.51.100.1.
class World {
 public:
  World() {
    auto netns = new_network_namespace();
    EXPECT_TRUE(netns);
    netns_ = std::move(*netns);
    shell(
        fmt::format("ip link add w0 type veth peer name w1 netns /proc/{}/fd/{}\n"
                    "ip addr add 198.51.100.1/24 dev w0\nip link set w0 up",
                    ::getpid(), netns_.get()));
    const auto furnished = inside(netns_.get(), [this]() -> Result<void> {
      shell("ip addr add 198.51.100.2/24 dev w1; ip link set w1 up; ip link set lo up");
      listener_.reset(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
      sockaddr_in in{};
      in.sin_family = AF_INET;
      in.sin_port = htons(9000);
      if (::bind(listener_.get(), reinterpret_cast<sockaddr*>(&in), sizeof in) != 0 ||
          ::listen(listener_.get(), 8) != 0) {
        return fail(from_errno(errno, "listen"));
      }
      return {};
    });
    EXPECT_TRUE(furnished) << furnished.error().message;
  }
  /// Answers whoever comes with their own address.
  std::string greet_one() {
    pollfd ready{listener_.get(), POLLIN, 0};
    if (::poll(&ready, 1, 10'000) != 1) return "nobody came";
    sockaddr_in from{};
    socklen_t size = sizeof from;
    const os::Fd client(::accept(listener_.get(), reinterpret_cast<sockaddr*>(&from), &size));
    char text[INET_ADDRSTRLEN] = {};
    ::inet_ntop(AF_INET, &from.sin_addr, text, sizeof text);
    EXPECT_TRUE(os::write_all(client.get(), std::string("hello ") + text + "\n"));
    return text;
  }

 private:
  os::Fd netns_;
  os::Fd listener_;
};

class NetworkTest : public testing::RuntimeTest {
 protected:
  static std::string connect_command(const std::string& address, int port) {
    return fmt::format(
        "exec python3 -c \"\nimport socket\ntry:\n s=socket.create_connection(('{}',{}),2)\n"
        " print('got', s.recv(100).decode().strip() or 'nothing')\n"
        "except OSError as e: print('failed', e)\n\"",
        address, port);
  }
  std::string output(const ports::Launch& l) {
    std::string text;
    const auto code = runtime_->run_job(l, std::chrono::seconds(30),
                                        [&](std::string_view line) { text += std::string(line); });
    return code ? text : "error: " + code.error().message;
  }
};

TEST_F(NetworkTest, TheWayOutWorksBesideAPolicyOfDrop) {
  on_a_host_of_its_own([this] {
    shell("iptables -P FORWARD DROP");
    World world;
    reopen();
    std::string from;
    std::thread greeter([&] { from = world.greet_one(); });
    const std::string text = output(launch("job", connect_command("198.51.100.2", 9000)));
    greeter.join();
    EXPECT_EQ(text, "got hello 198.51.100.1") << "masqueraded as the host";
    EXPECT_EQ(from, "198.51.100.1");
    runtime_.reset();
  });
}

TEST_F(NetworkTest, RulesThatSomebodyFlushedComeBack) {
  on_a_host_of_its_own([this] {
    shell("iptables -P FORWARD DROP");
    World world;
    reopen();
    ASSERT_TRUE(runtime_->start(launch("one", "exec sleep 1000")));
    shell("iptables -F; iptables -t nat -F");
    std::thread greeter([&] { world.greet_one(); });
    const std::string text = output(launch("job", connect_command("198.51.100.2", 9000)));
    greeter.join();
    EXPECT_EQ(text, "got hello 198.51.100.1");
    EXPECT_TRUE(runtime_->stop("one"));
    runtime_.reset();
  });
}

TEST_F(NetworkTest, EnvironmentsDoNotReachEachOtherButInstancesOfOneDo) {
  on_a_host_of_its_own([this] {
    reopen();
    const auto started = runtime_->start(server("one"));
    ASSERT_TRUE(started) << started.error().message;
    ASSERT_TRUE(eventually([&] { return !testing::ask(started->address, 8000).empty(); }));
    auto friendly = launch("friend", connect_command(started->address, 8000));
    auto stranger = launch("stranger", connect_command(started->address, 8000));
    stranger.environment = "prod";
    // The server waits for a request, so a connection alone times out after it was made.
    EXPECT_EQ(output(stranger), "failed timed out");
    friendly.argv[2] = fmt::format(
        "exec python3 -c \"import urllib.request as u; "
        "print(u.urlopen('http://{}:8000/').status)\"",
        started->address);
    EXPECT_EQ(output(friendly), "200");
    EXPECT_TRUE(runtime_->stop("one"));
    runtime_.reset();
  });
}

TEST_F(NetworkTest, AddressesAreKeptAndNotSharedAcrossRestarts) {
  ASSERT_TRUE(runtime_->start(launch("one", "exec sleep 1000")));
  const auto first = status("one").address;
  reopen();
  ASSERT_TRUE(runtime_->start(launch("two", "exec sleep 1000")));
  EXPECT_EQ(status("one").address, first);
  EXPECT_NE(status("two").address, first);
}

TEST_F(NetworkTest, NothingIsLeftOfAnEnvironmentWithoutInstances) {
  on_a_host_of_its_own([this] {
    reopen();
    ASSERT_TRUE(runtime_->start(launch("one", "exec sleep 1000")));
    EXPECT_NE(said_by({"ip", "-br", "link"}).find("ecl"), std::string::npos);
    ASSERT_TRUE(runtime_->stop("one"));
    const auto links = said_by({"ip", "-br", "link"});
    EXPECT_EQ(links.find("ecl"), std::string::npos) << links;
    EXPECT_EQ(links.find("ecv"), std::string::npos) << links;
    runtime_.reset();
  });
}

TEST_F(NetworkTest, AFirewallIsSetOnceAndCarriesOurName) {
  for (const auto tool : {FirewallTool::kIptables, FirewallTool::kNft}) {
    on_a_host_of_its_own([&] {
      const std::vector<std::string> list = tool == FirewallTool::kNft
                                                ? std::vector<std::string>{"nft", "list", "ruleset"}
                                                : std::vector<std::string>{"iptables-save"};
      Firewall firewall("10.83.0.0/16", tool);
      auto set = firewall.ensure();
      ASSERT_TRUE(set) << set.error().message;
      EXPECT_NE(said_by(list).find("ecluse"), std::string::npos);
      const auto count = [&] { return said_by({"nft", "list", "ruleset"}).size(); };
      const auto before = count();
      ASSERT_TRUE(firewall.ensure());
      EXPECT_EQ(count(), before);
      const auto removed = firewall.remove();
      ASSERT_TRUE(removed) << removed.error().message;
      EXPECT_EQ(said_by(list).find("ecluse"), std::string::npos);
    });
  }
}

}  // namespace
}  // namespace ecluse::runtime
