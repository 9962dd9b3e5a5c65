#pragma once
// Probes that know: health comes from the runtime's twin, a little late.

#include <map>
#include <string>

#include "ports/prober.h"
#include "sim/twins/runtime.h"

namespace ecluse::sim {

class TwinProber final : public ports::Prober {
 public:
  TwinProber(Scheduler& scheduler, TwinRuntime& runtime);

  void watch(const ports::ProbeTarget& target) override;
  void forget(const std::string& instance) override;
  std::vector<ports::ProbeResult> recent(const std::string& instance) override;
  void subscribe(std::function<void(const ports::ProbeEvent&)> on_event) override;

  /// The control plane is gone, and its prober with it.
  void forget_all() { watched_.clear(); }
  /// How late a change is noticed.
  std::function<Duration()> delay = [] { return std::chrono::milliseconds(20); };
  std::string last_detail = "connection refused";

 private:
  struct Watched {
    ports::ProbeTarget target;
    bool said_ready = false;
    std::uint64_t life = 0;
  };
  void look(const std::string& instance);

  Scheduler& scheduler_;
  TwinRuntime& runtime_;
  std::map<std::string, Watched> watched_;
  std::uint64_t lives_ = 0;
  std::function<void(const ports::ProbeEvent&)> on_event_;
};

}  // namespace ecluse::sim
