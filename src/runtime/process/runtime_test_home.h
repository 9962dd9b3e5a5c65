#pragma once
// For tests: a data folder, a runtime on it, and nothing left of either afterwards.

#include <arpa/inet.h>
#include <fmt/format.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

#include <chrono>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>

#include "os/fd.h"
#include "runtime/process/process_runtime.h"

namespace ecluse::runtime::testing {

/// Asks again until `condition` holds; false when it did not within `limit`.
inline bool eventually(const std::function<bool()>& condition,
                       std::chrono::milliseconds limit = std::chrono::seconds(20)) {
  const auto give_up = std::chrono::steady_clock::now() + limit;
  while (!condition()) {
    if (std::chrono::steady_clock::now() > give_up) return false;
    ::poll(nullptr, 0, 10);
  }
  return true;
}

/// The whole answer to `request`; empty when nobody listens.
inline std::string ask(const std::string& address, std::uint16_t port,
                       const std::string& request = "GET / HTTP/1.0\r\n\r\n") {
  const os::Fd fd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  const timeval limit{2, 0};
  ::setsockopt(fd.get(), SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
  ::setsockopt(fd.get(), SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit);
  sockaddr_in in{};
  in.sin_family = AF_INET;
  in.sin_port = htons(port);
  ::inet_pton(AF_INET, address.c_str(), &in.sin_addr);
  if (::connect(fd.get(), reinterpret_cast<sockaddr*>(&in), sizeof in) != 0) return {};
  if (!os::write_all(fd.get(), request)) return {};
  std::string answer;
  char chunk[4096];
  for (ssize_t n; (n = ::recv(fd.get(), chunk, sizeof chunk, 0)) > 0;) {
    answer.append(chunk, static_cast<std::size_t>(n));
  }
  return answer;
}

/// A runtime in a folder of its own. What a test leaves running is stopped.
class RuntimeTest : public ::testing::Test {
 protected:
  void SetUp() override {
    if (::geteuid() != 0 && options_.isolation != Isolation::kNever)
      GTEST_SKIP() << "needs root: namespaces, cgroups and users are made";
    std::string folder = (std::filesystem::temp_directory_path() / "ecluse-rt-XXXXXX").string();
    ASSERT_NE(::mkdtemp(folder.data()), nullptr);
    home_ = folder;
    options_.backoff_first = std::chrono::milliseconds(20);
    reopen();
  }
  void TearDown() override {
    if (runtime_ != nullptr) stop_all();
    if (!home_.empty()) std::filesystem::remove_all(home_);
  }
  void stop_all() {
    if (const auto all = runtime_->list()) {
      for (const auto& one : *all) {
        const auto stopped = runtime_->stop(one.id);
        EXPECT_TRUE(stopped) << stopped.error().message;
      }
    }
    runtime_.reset();
  }
  /// As a restart of the control plane does.
  void reopen() {
    runtime_.reset();
    auto opened = ProcessRuntime::open(home_ / "data", home_ / "run", options_);
    ASSERT_TRUE(opened) << opened.error().message;
    runtime_ = std::move(*opened);
  }
  ports::Launch launch(const std::string& id, const std::string& command) {
    ports::Launch l;
    l.id = id;
    l.app = "shop";
    l.environment = "test";
    l.owner = "release 1";
    l.workdir = "/";
    l.argv = {"/bin/sh", "-c", command};
    l.env = {{"PATH", "/usr/local/bin:/usr/bin:/bin"}};
    l.limits.memory_bytes_max = 256 << 20;
    l.stop_grace = std::chrono::seconds(5);
    return l;
  }
  ports::Launch server(const std::string& id, const std::string& bind = "0.0.0.0") {
    auto l = launch(id, "exec python3 -m http.server 8000 --bind " + bind);
    l.port = 8000;
    return l;
  }
  std::string log_of(const std::string& id) {
    const auto chunk = runtime_->logs(id, {.lines_max = 1000});
    return chunk ? chunk->text : "error: " + chunk.error().message;
  }
  bool logs_contain(const std::string& id, const std::string& text) {
    return eventually([&] { return log_of(id).find(text) != std::string::npos; });
  }
  ports::InstanceStatus status(const std::string& id) {
    const auto now = runtime_->status(id);
    EXPECT_TRUE(now) << now.error().message;
    return now ? *now : ports::InstanceStatus{};
  }

  std::filesystem::path home_;
  ProcessOptions options_;
  std::unique_ptr<ProcessRuntime> runtime_;
};

}  // namespace ecluse::runtime::testing
