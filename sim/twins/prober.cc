#include "sim/twins/prober.h"

namespace ecluse::sim {

TwinProber::TwinProber(Scheduler& scheduler, TwinRuntime& runtime)
    : scheduler_(scheduler), runtime_(runtime) {
  runtime_.on_health = [this](const std::string& id, bool) { look(id); };
}

void TwinProber::watch(const ports::ProbeTarget& target) {
  watched_[target.instance] = {target, false, ++lives_};
  look(target.instance);
}

void TwinProber::look(const std::string& instance) {
  const auto found = watched_.find(instance);
  if (found == watched_.end()) return;
  scheduler_.after(delay(), [this, instance, life = found->second.life] {
    const auto watched = watched_.find(instance);
    if (watched == watched_.end() || watched->second.life != life) return;
    const bool ready = runtime_.healthy(instance);
    if (ready == watched->second.said_ready) return;
    watched->second.said_ready = ready;
    if (on_event_)
      on_event_({instance, ready ? ports::ProbeChange::kReady : ports::ProbeChange::kUnready,
                 ready ? "200" : last_detail});
  });
}

void TwinProber::forget(const std::string& instance) {
  watched_.erase(instance);
}

std::vector<ports::ProbeResult> TwinProber::recent(const std::string& instance) {
  const bool ready = runtime_.healthy(instance);
  return {{"ready GET /", ready, ready ? 200 : 0, ready ? "ok" : last_detail, {}}};
}

void TwinProber::subscribe(std::function<void(const ports::ProbeEvent&)> on_event) {
  on_event_ = std::move(on_event);
}

}  // namespace ecluse::sim
