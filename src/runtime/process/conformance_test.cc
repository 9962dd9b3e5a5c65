#include <signal.h>

#include "ports/runtime_conformance.h"
#include "runtime/process/runtime_test_home.h"

namespace ecluse::ports {
namespace {

/// `isolation` decides whether real namespaces are made or plain processes are run.
class ProcessBench final : public RuntimeBench {
 public:
  explicit ProcessBench(runtime::Isolation isolation) {
    std::string folder = (std::filesystem::temp_directory_path() / "ecluse-rt-XXXXXX").string();
    home_ = ::mkdtemp(folder.data());
    runtime::ProcessOptions options;
    options.isolation = isolation;
    options.backoff_first = std::chrono::milliseconds(10);
    options.crash_exits = 4;
    auto opened = runtime::ProcessRuntime::open(home_ / "data", home_ / "run", options);
    EXPECT_TRUE(opened) << opened.error().message;
    if (opened) runtime_ = std::move(*opened);
  }
  ~ProcessBench() override {
    runtime_.reset();
    std::filesystem::remove_all(home_);
  }
  Runtime& runtime() override { return *runtime_; }
  Launch forever(const std::string& id) override { return shell(id, "exec sleep 1000"); }
  Launch job(const std::string& id, int exit_code) override {
    return shell(id, fmt::format("echo hello; exit {}", exit_code));
  }
  Launch nonsense(const std::string& id) override {
    auto launch = forever(id);
    launch.argv = {"/no/such/program"};
    return launch;
  }
  void crash(const std::string& id) override {
    const auto now = runtime_->status(id);
    if (now && now->pid > 0) ::kill(now->pid, SIGKILL);
  }
  bool eventually(const std::function<bool()>& condition) override {
    return runtime::testing::eventually(condition);
  }

 private:
  static Launch shell(const std::string& id, const std::string& command) {
    Launch launch;
    launch.id = id;
    launch.app = "shop";
    launch.environment = "test";
    launch.workdir = "/";
    launch.argv = {"/bin/sh", "-c", command};
    launch.stop_grace = std::chrono::seconds(5);
    return launch;
  }
  std::filesystem::path home_;
  std::unique_ptr<runtime::ProcessRuntime> runtime_;
};

RuntimeFactory isolated() {
  return []() -> std::unique_ptr<RuntimeBench> {
    if (::geteuid() != 0) return nullptr;
    return std::make_unique<ProcessBench>(runtime::Isolation::kWherePossible);
  };
}
RuntimeFactory plain() {
  return [] { return std::make_unique<ProcessBench>(runtime::Isolation::kNever); };
}

INSTANTIATE_TEST_SUITE_P(Isolated, RuntimeConformance, testing::Values(isolated()));
INSTANTIATE_TEST_SUITE_P(Plain, RuntimeConformance, testing::Values(plain()));

}  // namespace
}  // namespace ecluse::ports
