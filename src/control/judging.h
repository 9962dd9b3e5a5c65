#pragma once
// The judge at work: while a rollout is on trial its outcomes are read from the gateway, batch
// after batch, and every verdict goes to the rollout's machine. On the thread of steps, but for the
// reading itself, which waits on the executor.

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>

#include "control/executor.h"
#include "control/trial.h"
#include "model/release.h"
#include "ports/clock.h"
#include "ports/outcomes.h"
#include "rollout/event.h"
#include "rollout/state.h"

namespace ecluse::control {

std::string trial_store_key(const std::string& rollout);

class Judging {
 public:
  /// Where verdicts and what must be stored go. Both are called on the thread of steps.
  struct Courier {
    /// `trial` is to be stored in the transaction of that step.
    std::function<void(const model::EnvironmentKey&, const rollout::Judged&,
                       std::map<std::string, std::string> trial)>
        judged;
    std::function<void(std::map<std::string, std::string> trial)> store;
  };
  /// `outcomes` may be null: nothing is ever judged then. Everything outlives it.
  Judging(ports::Outcomes* outcomes, ports::Clock& clock, Executor& executor, Courier courier)
      : outcomes_(outcomes), clock_(clock), executor_(executor), courier_(std::move(courier)) {}

  /// Looks at what an environment is up to, after each step: a trial begins or ends. `stored` is
  /// asked for what an earlier life of this process kept of a trial.
  using Stored = std::function<std::optional<std::string>(const std::string& store_key)>;
  void attend(const rollout::State& state, const model::Release* on_trial, const Stored& stored);
  void tick(TimePoint now);
  std::optional<TimePoint> deadline() const;

  /// Of a rollout on trial now; null when there is none such.
  const Trial* trial(const std::string& rollout) const;

 private:
  struct Case {
    Trial trial;
    bool asked_for_standing = false;  ///< the machine waits for an answer, whatever it is
    std::uint64_t reads = 0;  ///< the newest one's number: answers to others come late or twice
    bool reading = false;
    TimePoint stored_at;
    TimePoint again_at;  ///< to read again: the gateway did not answer, or nobody came back
  };
  void begin(const rollout::State& state, const model::Release* on_trial, const Stored& stored);
  void end(const model::EnvironmentKey& key);
  void read(const model::EnvironmentKey& key);
  void heard(const model::EnvironmentKey& key, const std::string& rollout, std::uint64_t number,
             const Result<ports::OutcomeBatch>& batch);

  ports::Outcomes* outcomes_;
  ports::Clock& clock_;
  Executor& executor_;
  Courier courier_;
  std::map<model::EnvironmentKey, Case> cases_;
};

}  // namespace ecluse::control
