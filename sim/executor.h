#pragma once
// The executor of a simulation: work starts and completions arrive when the scheduler says, in an
// order that the seed decides; some are lost, some come twice.

#include <deque>
#include <map>
#include <string>

#include "base/prng.h"
#include "control/executor.h"
#include "sim/twins/scheduler.h"

namespace ecluse::sim {

struct Mischief {
  double lose = 0;    ///< the work never starts, or its completion never arrives
  double repeat = 0;  ///< the work is done twice, or its completion arrives twice
  double slow = 0;    ///< seconds instead of milliseconds
  double late = 0;    ///< a decision about traffic takes up to 70 s: longer than a shift may
};

class SimExecutor final : public control::Executor {
 public:
  SimExecutor(Scheduler& scheduler, Prng& prng) : scheduler_(scheduler), prng_(prng) {}

  void run(const control::Lane& lane, control::Work work) override;

  /// The control plane dies: nothing completes any more. Decisions about traffic that were on
  /// their way may still arrive, late.
  void crash(double still_arrives);
  /// The machine reboots: nothing is on its way any more.
  void reboot();
  bool idle() const { return lanes_.empty(); }
  /// What is being done now was ordered by a control plane that has died since.
  bool does_the_will_of_the_dead() const { return of_the_dead_; }

  Mischief mischief;
  std::uint64_t last_will_ms_max = 2'000;  ///< so late a decision may come whose sender has died
  bool no_delay = false;

 private:
  struct Waiting {
    control::Work work;
    control::Urgency urgency;
  };
  void start_next(const std::string& lane);
  void execute(const std::string& lane, Waiting waiting);
  void deliver(const control::Completion& completion);
  Duration delay(control::Urgency urgency);

  Scheduler& scheduler_;
  Prng& prng_;
  std::map<std::string, std::deque<Waiting>> lanes_;
  std::uint64_t incarnation_ = 0;  ///< of the control plane
  std::uint64_t reboots_ = 0;
  bool of_the_dead_ = false;
};

}  // namespace ecluse::sim
