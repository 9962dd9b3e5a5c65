#include "sim/twins/runtime.h"

#include "ports/runtime_conformance.h"

namespace ecluse::sim {

using ports::RuntimeConformance;

namespace {
class TwinBench final : public ports::RuntimeBench {
 public:
  TwinBench() {
    runtime_.habits = [](const ports::Launch& launch) {
      Habits habits{.cannot_start = launch.owner == "nonsense", .lines = {"hello"}};
      if (launch.owner.starts_with("exits ")) habits.job_exit = std::stoi(launch.owner.substr(6));
      return habits;
    };
  }
  ports::Runtime& runtime() override { return runtime_; }
  ports::Launch forever(const std::string& id) override { return launch(id, "forever"); }
  ports::Launch job(const std::string& id, int exit_code) override {
    return launch(id, "exits " + std::to_string(exit_code));
  }
  ports::Launch nonsense(const std::string& id) override { return launch(id, "nonsense"); }
  void crash(const std::string& id) override { runtime_.kill(id); }
  bool eventually(const std::function<bool()>& condition) override {
    constexpr int kEventsMax = 10'000;
    for (int i = 0; i < kEventsMax && !condition(); ++i) {
      if (scheduler_.empty()) return condition();
      scheduler_.run_one();
    }
    return condition();
  }

 private:
  static ports::Launch launch(const std::string& id, const std::string& owner) {
    return {.id = id, .app = "shop", .environment = "test", .owner = owner};
  }
  Scheduler scheduler_;
  TwinRuntime runtime_{scheduler_};
};
}  // namespace

INSTANTIATE_TEST_SUITE_P(Twin, RuntimeConformance,
                         testing::Values([] { return std::make_unique<TwinBench>(); }));

}  // namespace ecluse::sim
