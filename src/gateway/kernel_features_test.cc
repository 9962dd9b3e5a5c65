// Kernels, and sandboxes, that lack what the engine uses where it can: withheld by a seccomp
// filter, so that the probe and the way round it are both real.
#include "gateway/kernel_features.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>

#include <cerrno>
#include <csignal>
#include <cstddef>
#include <filesystem>
#include <fstream>
#include <thread>

#include "gateway/bounds.h"
#include "gateway/condition.h"
#include "gateway/descriptor_limit.h"
#include "gateway/testing_sites.h"

namespace ecluse::gateway {
namespace {

using namespace testing;
namespace fs = std::filesystem;

constexpr KernelFeatures kAllOfThem{
    .reuse_port = true, .splice = true, .send_file = true, .open_beneath = true};

void refuse(std::vector<sock_filter>& program, int number, std::uint32_t error) {
  program.push_back(BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, static_cast<std::uint32_t>(number), 0, 1));
  program.push_back(BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | error));
}

/// setsockopt is refused for this one option only.
void refuse_option(std::vector<sock_filter>& program, std::uint32_t option) {
  program.push_back(BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_setsockopt, 0, 4));
  program.push_back(BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, args[2])));
  program.push_back(BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, option, 0, 1));
  program.push_back(BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | ENOPROTOOPT));
  program.push_back(BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW));
}

/// For the calling thread and what it starts, for ever.
void withhold_all_but(const KernelFeatures& left) {
  std::vector<sock_filter> program{BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr))};
  if (!left.splice) refuse(program, SYS_splice, ENOSYS);
  if (!left.send_file) refuse(program, SYS_sendfile, EPERM);
  if (!left.open_beneath) refuse(program, SYS_openat2, EPERM);  // so did containers' old filters
  if (!left.reuse_port) refuse_option(program, SO_REUSEPORT);
  program.push_back(BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW));
  const sock_fprog filter{static_cast<unsigned short>(program.size()), program.data()};
  ASSERT_EQ(::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), 0);
  ASSERT_EQ(::prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter), 0);
}

template <typename Deed>
void on_a_kernel_with(const KernelFeatures& left, Deed deed) {
  std::thread([&] {
    withhold_all_but(left);
    if (!::testing::Test::HasFatalFailure()) deed();
  }).join();
}

TEST(KernelFeatures, AreAllFoundWhereNothingIsWithheld) {
  const KernelFeatures found = probe_kernel_features();
  for (const KernelFeature& one : kKernelFeatures) EXPECT_TRUE(found.*one.has) << one.name;
  EXPECT_EQ(to_text(found), "SO_REUSEPORT, splice, sendfile, openat2");
}

TEST(KernelFeatures, EachIsMissedWhenItAloneIsWithheld) {
  for (const KernelFeature& withheld : kKernelFeatures) {
    KernelFeatures left = kAllOfThem;
    left.*withheld.has = false;
    on_a_kernel_with(left, [&] {
      const KernelFeatures found = probe_kernel_features();
      for (const KernelFeature& one : kKernelFeatures) {
        EXPECT_EQ(found.*one.has, left.*one.has) << one.name << " without " << withheld.name;
      }
    });
  }
}

TEST(KernelFeatures, TheirTextSaysWhatIsDoneInstead) {
  EXPECT_EQ(to_text({.reuse_port = true}),
            "SO_REUSEPORT; without splice: large bodies are copied; without sendfile: static files "
            "are copied; without openat2: a static file is opened in two steps");
  EXPECT_TRUE(to_text({}).starts_with("none; without SO_REUSEPORT: "));
}

/// What must come out the same on every kernel.
class OnAnyKernel : public ::testing::TestWithParam<KernelFeatures> {
 protected:
  OnAnyKernel() {
    const fs::path inside = files_.path() / "site";
    fs::create_directories(inside);
    std::ofstream(inside / "large", std::ios::binary) << large_;
    std::ofstream(inside / "small.txt") << "small";
    std::ofstream(files_.path() / "secret") << "secret";
    fs::create_symlink("large", inside / "inner");
    fs::create_symlink("../secret", inside / "outer");
    fs::create_symlink((files_.path() / "secret").string(), inside / "absolute");
    on_a_kernel_with(GetParam(), [&] { served_ = std::make_unique<Served>(); });
    ports::Arm all = arm(1, kAll, app_);
    all.folders = {{"/static", {inside.string()}}};
    const auto applied = served_->traffic.apply(site({all}), decisions_.next());
    EXPECT_TRUE(applied) << applied.error().message;
  }
  std::string answer(const std::string& path) { return answer_to(served_->port(), get("a", path)); }
  fs::path control() const { return served_->folder.path() / "gateway.sock"; }
  void check_all() {
    EXPECT_EQ(body_of(answer("/static/large")), large_);
    EXPECT_EQ(body_of(answer("/static/inner")), large_);
    EXPECT_EQ(body_of(answer("/static/small.txt")), "small");
    for (const char* name : {"outer", "absolute", "none", "", "small.txt/x"}) {
      EXPECT_EQ(status_of(answer(fmt::format("/static/{}", name))), 404) << name;
    }
    // Large enough for splice, both ways.
    const std::string echoed = answer_to(
        served_->port(), fmt::format("POST /echo HTTP/1.1\r\nHost: a\r\nConnection: close\r\n"
                                     "Content-Length: {}\r\n\r\n{}",
                                     large_.size(), large_));
    EXPECT_EQ(body_of(echoed), large_);
    // As many fresh connections as find every thread.
    for (int i = 0; i < 40; ++i) ASSERT_EQ(status_of(answer("/")), 200) << i;
  }

  const std::string large_ = [] {
    std::string text(3'000'000, '\0');
    for (std::size_t i = 0; i < text.size(); ++i) text[i] = static_cast<char>(i * 37 >> 5);
    return text;
  }();
  TemporaryFolder files_;
  RecordingApp app_{[](RecordingApp::Peer& peer) {
    for (std::string request; !(request = peer.read_request()).empty();) {
      const std::string body = body_of(request);
      peer.send(fmt::format("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{}", body.size(), body));
    }
  }};
  Decisions decisions_;
  std::unique_ptr<Served> served_;
};

TEST_P(OnAnyKernel, FilesBodiesAndConnectionsComeOutTheSame) {
  check_all();
}

TEST_P(OnAnyKernel, TheSameHoldsAfterTheWorkerWasKilledAndAfterAnUpgrade) {
  served_->gateway->kill_worker();
  check_all();
  const int former = served_->gateway->newest_worker_pid();
  ASSERT_EQ(::kill(served_->gateway->pid(), SIGUSR2), 0);
  ASSERT_TRUE(eventually([&] {
    return served_->gateway->newest_worker_pid() != former && served_->gateway->worker_count() == 1;
  }));
  check_all();
}

/// More than the sockets between hold, so that most of it is still to be sent.
TEST_P(OnAnyKernel, AFileThatShrinksWhileItIsSentEndsInAReset) {
  constexpr std::size_t kBytes = 64 << 20;
  const fs::path file = files_.path() / "site" / "shrinks";
  std::ofstream(file) << "some";
  fs::resize_file(file, kBytes);
  RawClient client(served_->port());
  ASSERT_TRUE(client.send(get("a", "/static/shrinks")));
  const std::string head = client.take_through("\r\n\r\n");
  EXPECT_EQ(value_of(head, "Content-Length"), std::to_string(kBytes));
  fs::resize_file(file, 4);
  EXPECT_LT(client.read_to_end().size(), kBytes);
  EXPECT_TRUE(client.was_reset());
}

TEST_P(OnAnyKernel, TheGatewaySaysWhatItLacks) {
  std::vector<std::string> lacks;
  for (const KernelFeature& one : kKernelFeatures) {
    if (!(GetParam().*one.has)) lacks.push_back(fmt::format("{}: {}", one.name, one.instead));
  }
  const auto condition = ask_condition(control(), Duration(15'000));
  ASSERT_TRUE(condition) << condition.error().message;
  EXPECT_EQ(condition->lacks, lacks);
}

KernelFeatures all_but(bool KernelFeatures::* withheld) {
  KernelFeatures left = kAllOfThem;
  left.*withheld = false;
  return left;
}

INSTANTIATE_TEST_SUITE_P(Kernels, OnAnyKernel,
                         ::testing::Values(kAllOfThem, all_but(&KernelFeatures::reuse_port),
                                           all_but(&KernelFeatures::splice),
                                           all_but(&KernelFeatures::send_file),
                                           all_but(&KernelFeatures::open_beneath),
                                           KernelFeatures{}),
                         [](const auto& the) {
                           std::string name;
                           for (const KernelFeature& one : kKernelFeatures)
                             name += the.param.*one.has ? '1' : '0';
                           return "With" + name;
                         });

TEST(DescriptorLimit, IsRaisedToWhatTheUserMaySetAndTold) {
  rlimit limit{};
  ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &limit), 0);
  const TemporaryFolder folder;
  const auto program = folder.path() / "begins-low";
  std::ofstream(program) << "#!/bin/sh\nulimit -S -n 256\nexec " ECLUSE_GATEWAY_PROGRAM " \"$@\"\n";
  fs::permissions(program, fs::perms::owner_all);
  const GatewayProcess gateway(arguments_of(folder.path()), program.string());
  const auto condition = ask_condition(folder.path() / "gateway.sock", Duration(15'000));
  ASSERT_TRUE(condition) << condition.error().message;
  EXPECT_EQ(condition->descriptors, limit.rlim_max);
  EXPECT_EQ(condition->clients_max, client_room(limit.rlim_max, Bounds().client_connections_max));
}

TEST(DescriptorLimit, LeavesAnEighthAndOurOwnToOthersThanClients) {
  EXPECT_EQ(client_room(20'000, 100'000), 20'000U - 2'500 - 64);
  EXPECT_EQ(client_room(20'000, 500), 500U);
  EXPECT_EQ(client_room(64, 500), 1U);
  EXPECT_EQ(client_room(~std::uint64_t{0}, 100'000), 100'000U);  // no limit at all
}

}  // namespace
}  // namespace ecluse::gateway
