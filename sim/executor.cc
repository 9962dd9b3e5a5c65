#include "sim/executor.h"

#include <memory>

namespace ecluse::sim {

void SimExecutor::run(const control::Lane& lane, control::Work work) {
  auto& queue = lanes_[lane.name];
  queue.push_back({std::move(work), lane.urgency});
  if (queue.size() == 1) start_next(lane.name);
}

Duration SimExecutor::delay(control::Urgency urgency) {
  if (no_delay) return Duration::zero();
  const bool late = urgency == control::Urgency::kUrgent && prng_.chance(mischief.late);
  if (late) return Duration{static_cast<std::int64_t>(prng_.below(70'000))};
  // News of a site is asked for over and over: a few times a minute is often enough to simulate.
  if (urgency == control::Urgency::kWatch)
    return Duration{500 + static_cast<std::int64_t>(prng_.below(29'000))};
  const bool slow = prng_.chance(mischief.slow);
  const std::uint64_t most = urgency == control::Urgency::kLong ? 5'000 : slow ? 3'000 : 20;
  return Duration{static_cast<std::int64_t>(prng_.below(most + 1))};
}

void SimExecutor::start_next(const std::string& lane) {
  scheduler_.after(delay(lanes_[lane].front().urgency), [this, lane, life = incarnation_] {
    if (life == incarnation_) execute(lane, std::move(lanes_[lane].front()));
  });
}

void SimExecutor::execute(const std::string& lane, Waiting waiting) {
  // The journal is our own disk: what it says is neither lost nor said twice.
  const bool is_remote = lane != "journal";
  const auto chance = [&](double p) { return is_remote && prng_.chance(p); };
  if (!chance(mischief.lose)) {
    if (chance(mischief.repeat)) (void)waiting.work();  // a retry below us: its answer is dropped
    auto completion = waiting.work();
    if (!chance(mischief.lose)) deliver(completion);
    if (chance(mischief.repeat)) deliver(completion);
  }
  auto& queue = lanes_[lane];
  queue.pop_front();
  if (queue.empty()) {
    lanes_.erase(lane);
  } else {
    start_next(lane);
  }
}

void SimExecutor::deliver(const control::Completion& completion) {
  const auto wait =
      no_delay ? Duration::zero() : Duration{static_cast<std::int64_t>(prng_.below(5))};
  scheduler_.after(wait, [this, completion, life = incarnation_] {
    if (life == incarnation_) completion();
  });
}

void SimExecutor::crash(double still_arrives) {
  incarnation_ += 1;
  for (auto& [lane, queue] : lanes_) {
    if (!lane.starts_with("site ") || !prng_.chance(still_arrives)) continue;
    auto work = std::make_shared<control::Work>(std::move(queue.front().work));
    scheduler_.after(Duration{static_cast<std::int64_t>(prng_.below(last_will_ms_max))},
                     [this, work, reboots = reboots_] {
                       if (reboots != reboots_) return;
                       of_the_dead_ = true;
                       (void)(*work)();
                       of_the_dead_ = false;
                     });
  }
  lanes_.clear();
}

void SimExecutor::reboot() {
  crash(0);
  reboots_ += 1;
}

}  // namespace ecluse::sim
