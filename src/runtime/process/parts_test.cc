// The small parts that need no privilege.
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <thread>

#include "runtime/process/account.h"
#include "runtime/process/address_book.h"
#include "runtime/process/cgroup.h"
#include "runtime/process/etc_files.h"
#include "runtime/process/listening.h"
#include "runtime/process/log_reader.h"
#include "runtime/process/privileges.h"
#include "runtime/process/shell_exec.h"
#include "runtime/process/shim/conf.h"
#include "runtime/process/shim_image.h"

namespace ecluse::runtime {
namespace {

class PartsTest : public ::testing::Test {
 protected:
  void SetUp() override {
    std::string folder = (std::filesystem::temp_directory_path() / "ecluse-parts-XXXXXX").string();
    ASSERT_NE(::mkdtemp(folder.data()), nullptr);
    home_ = folder;
  }
  void TearDown() override { std::filesystem::remove_all(home_); }
  void write(const std::string& name, const std::string& text) {
    std::ofstream(home_ / name) << text;
  }
  std::filesystem::path home_;
};

TEST_F(PartsTest, TheLaunchFileTakesAnyBytes) {
  shim::Conf conf;
  conf.id = "one";
  conf.argv = {"/bin/sh", "-c", "echo 'a%b'\n\techo=\"c\" \xc3\xa9", ""};
  conf.env = {"A=1=2\n3"};
  conf.uid = 1983000001;
  conf.surroundings.emplace();
  conf.surroundings->root = "/run/x";
  conf.surroundings->app_overlay = "lowerdir=/a\\:b:/c";
  conf.surroundings->binds = {{"/with\ttab", "/data/x y", true}, {"/b", "/app/b", false}};
  conf.cgroups = {"/sys/fs/cgroup/ecluse/x/one"};
  conf.stop_grace_ms = 1234;
  conf.restart = false;
  const auto read = shim::parse_conf(shim::write_conf(conf));
  ASSERT_TRUE(read) << read.error().message;
  EXPECT_EQ(read->argv, conf.argv);
  EXPECT_EQ(read->env, conf.env);
  EXPECT_EQ(read->uid, conf.uid);
  EXPECT_EQ(read->surroundings->app_overlay, conf.surroundings->app_overlay);
  ASSERT_EQ(read->surroundings->binds.size(), 2U);
  EXPECT_EQ(read->surroundings->binds[0].source, "/with\ttab");
  EXPECT_TRUE(read->surroundings->binds[0].writable);
  EXPECT_EQ(read->surroundings->binds[1].target, "/app/b");
  EXPECT_EQ(read->cgroups, conf.cgroups);
  EXPECT_EQ(read->stop_grace_ms, 1234);
  EXPECT_FALSE(read->restart);
  EXPECT_FALSE(shim::parse_conf("arg=x\nunheard-of=1\n"));
  EXPECT_FALSE(shim::parse_conf("id=x\n")) << "no command";
}

TEST_F(PartsTest, AddressesGoRoundAndSubnetsAvoidOthers) {
  const auto network = Ipv4Network::parse("10.83.0.0/16");
  ASSERT_TRUE(network);
  AddressBook book(home_ / "network.json", *network, 5);
  const auto one = book.place_of("one", "shop/test", {5});
  ASSERT_TRUE(one);
  EXPECT_EQ(ipv4_text(one->gateway), "10.83.6.1");
  EXPECT_EQ(ipv4_text(one->address), "10.83.6.2");
  EXPECT_EQ(book.place_of("one", "shop/test", {5}).value(), *one);
  EXPECT_EQ(ipv4_text(book.place_of("two", "shop/test", {5})->address), "10.83.6.3");
  EXPECT_EQ(ipv4_text(book.place_of("one-b", "shop/prod", {5})->address), "10.83.7.2");
  EXPECT_FALSE(book.release("one", "shop/test").value());
  EXPECT_EQ(ipv4_text(book.place_of("three", "shop/test", {5})->address), "10.83.6.4")
      << "an address just given up comes last";
  AddressBook again(home_ / "network.json", *network, 5);
  EXPECT_EQ(ipv4_text(again.place_of("two", "shop/test", {5})->address), "10.83.6.3");
  EXPECT_EQ(ipv4_text(again.place_of("four", "shop/test", {5, 6})->address), "10.83.8.2")
      << "somebody took our subnet";
}

TEST_F(PartsTest, ANetworkIsFullAtItsEndAndSaysSo) {
  const auto network = Ipv4Network::parse("10.9.8.0/24");
  ASSERT_TRUE(network);
  AddressBook book(home_ / "network.json", *network, 77);
  for (int i = 0; i < 253; ++i) {
    ASSERT_TRUE(book.place_of("i" + std::to_string(i), "a/b", {}));
  }
  EXPECT_EQ(book.place_of("more", "a/b", {}).error().kind, ErrorKind::kExhausted);
  EXPECT_EQ(book.place_of("other", "a/c", {}).error().kind, ErrorKind::kExhausted);
  EXPECT_FALSE(Ipv4Network::parse("10.83.0.0"));
  EXPECT_FALSE(Ipv4Network::parse("10.83.0.0/30"));
  EXPECT_FALSE(Ipv4Network::parse("host/16"));
}

TEST_F(PartsTest, AccountsAreRememberedAndADamagedFileIsNotOverwritten) {
  Accounts accounts(home_ / "accounts.json", 5000);
  EXPECT_EQ(accounts.of("shop/test")->uid, 5000U);
  EXPECT_EQ(accounts.of("shop/prod")->uid, 5001U);
  EXPECT_EQ(Accounts(home_ / "accounts.json", 5000).of("shop/prod")->uid, 5001U);
  EXPECT_EQ(accounts.of("shop/test")->name, "shop-test");
  write("accounts.json", "{\"shop");
  EXPECT_EQ(accounts.of("shop/test").error().kind, ErrorKind::kInvalid);
}

TEST_F(PartsTest, ListeningSocketsAreReadFromTheKernelsTables) {
  const auto v4 = parse_listening(
      "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout "
      "inode\n"
      "   0: 0100007F:1F90 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 "
      "777 1\n"
      "   1: 00000000:0016 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 "
      "778 1\n"
      "   2: 0100007F:1F90 0100007F:C350 01 00000000:00000000 00:00000000 00000000     0        0 "
      "779 1\n",
      false);
  ASSERT_EQ(v4.size(), 2U);
  EXPECT_EQ(v4[0].at.address, "127.0.0.1");
  EXPECT_EQ(v4[0].at.port, 8080);
  EXPECT_EQ(v4[0].inode, 777U);
  EXPECT_EQ(v4[1].at.address, "0.0.0.0");
  const auto v6 = parse_listening(
      "x\n   0: 00000000000000000000000001000000:1F90 00000000000000000000000000000000:0000 0A "
      "00000000:00000000 00:00000000 00000000     0        0 5 1\n",
      true);
  ASSERT_EQ(v6.size(), 1U);
  EXPECT_EQ(v6[0].at.address, "::1");
  EXPECT_TRUE(is_loopback("::1"));
  EXPECT_TRUE(is_loopback("127.0.0.53"));
  EXPECT_FALSE(is_loopback("0.0.0.0"));
}

TEST_F(PartsTest, LogsAreReadAcrossFilesByOffset) {
  std::filesystem::create_directories(home_ / "logs");
  write("logs/00000000000000000010.log", "two\nthree\n");
  write("logs/00000000000000000020.log", "four\nfive");
  EXPECT_EQ(read_log(home_ / "logs", {.lines_max = 3})->text, "three\nfour\nfive");
  EXPECT_EQ(read_log(home_ / "logs", {.lines_max = 99})->text, "two\nthree\nfour\nfive");
  const auto rest = read_log(home_ / "logs", {.from_offset = 14});
  EXPECT_EQ(rest->text, "three\nfour\nfive");
  EXPECT_EQ(rest->next_offset, 29U);
  EXPECT_EQ(read_log(home_ / "logs", {.from_offset = 3})->text, "two\nthree\nfour\nfive")
      << "what rotation dropped is skipped";
  EXPECT_EQ(read_log(home_ / "logs", {.from_offset = 29})->text, "");
  EXPECT_EQ(read_log(home_ / "none", {})->text, "");
}

TEST_F(PartsTest, TheLastLinesOfALongLogBeginWithAWholeOne) {
  std::filesystem::create_directories(home_ / "logs");
  std::string text;
  for (int i = 0; text.size() < 2 << 20; ++i) text += "line " + std::to_string(i) + "\n";
  write("logs/00000000000000000000.log", text);
  const auto tail = read_log(home_ / "logs", {.lines_max = 1'000'000})->text;
  EXPECT_TRUE(tail.starts_with("line ")) << tail.substr(0, 20);
  EXPECT_TRUE(text.ends_with("\n" + tail));
}

TEST_F(PartsTest, FollowingALogWaitsForItToGrow) {
  std::filesystem::create_directories(home_ / "logs");
  write("logs/00000000000000000000.log", "one\n");
  constexpr auto kLong = std::chrono::seconds(60);
  std::jthread writer([this] { write("logs/00000000000000000004.log", "two\n"); });
  const auto next = read_log(home_ / "logs", {.from_offset = 4, .wait = kLong});
  EXPECT_EQ(next->text, "two\n");
  EXPECT_EQ(read_log(home_ / "logs", {.from_offset = 8, .wait = Duration(1)})->text, "");
}

TEST_F(PartsTest, NameServersOnLoopbackAreReplaced) {
  EXPECT_EQ(reachable_resolv_conf("nameserver 127.0.0.53\nsearch x\n", "nameserver 9.9.9.9\n"),
            "nameserver 9.9.9.9\n");
  EXPECT_EQ(reachable_resolv_conf("nameserver 192.0.2.1\nnameserver ::1\noptions edns0\n", ""),
            "nameserver 192.0.2.1\noptions edns0\n");
  EXPECT_FALSE(names_a_server(reachable_resolv_conf("nameserver 127.0.0.1\n", "")));
}

TEST_F(PartsTest, TheCgroupVersionIsReadFromTheMounts) {
  const auto v2 = home_ / "v2";
  std::filesystem::create_directories(v2);
  write("v2/cgroup.controllers", "cpuset cpu io memory pids\n");
  EXPECT_EQ(Cgroups::from_mounts("cgroup2 " + v2.string() + " cgroup2 rw 0 0\n", "t").version(),
            CgroupVersion::kV2);
  write("v2/cgroup.controllers", "\n");
  const std::string hybrid =
      "cgroup2 " + v2.string() + " cgroup2 rw 0 0\n" + "cgroup /c/memory cgroup rw,memory 0 0\n";
  EXPECT_EQ(Cgroups::from_mounts(hybrid, "t").version(), CgroupVersion::kV1)
      << "a v2 hierarchy without controllers limits nothing";
  EXPECT_EQ(Cgroups::from_mounts("proc /proc proc rw 0 0\n", "t").version(), CgroupVersion::kNone);
}

TEST_F(PartsTest, TheProgramBehindAShellIsItsFirstWord) {
  EXPECT_EQ(program_behind_shell({"/bin/sh", "-c", "exec gunicorn -b x"}), "gunicorn");
  EXPECT_EQ(program_behind_shell({"/bin/sh", "-c", "gunicorn; true"}), std::nullopt);
  EXPECT_EQ(program_behind_shell({"/bin/sleep", "1"}), std::nullopt);
}

TEST_F(PartsTest, PrivilegesSayWhatFollowsAndHowToFix) {
  const auto all = probe_privileges();
  ASSERT_GE(all.size(), 8U);
  for (const auto& privilege : all) {
    EXPECT_FALSE(privilege.name.empty());
    EXPECT_FALSE(privilege.consequence.empty()) << privilege.name;
    EXPECT_EQ(privilege.ok, privilege.fix.empty()) << privilege.name;
  }
  EXPECT_EQ(all.front().name, "root");
  EXPECT_EQ(all.front().ok, ::geteuid() == 0);
}

TEST_F(PartsTest, TheShimIsInsideUs) {
  EXPECT_TRUE(
      shim_bytes().starts_with("\x7f"
                               "ELF"));
  EXPECT_LT(shim_bytes().size(), 2U << 20);
}

}  // namespace
}  // namespace ecluse::runtime
