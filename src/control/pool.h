#pragma once
// The executor of production: a few threads for each urgency, lanes in order.

#include <memory>

#include "control/executor.h"

namespace ecluse::control {

/// Hands every completion to `deliver`, from its threads. The destructor waits for work under way
/// and drops what has not begun.
class Pool final : public Executor {
 public:
  explicit Pool(std::function<void(Completion)> deliver);
  ~Pool() override;
  void run(const Lane& lane, Work work) override;

 private:
  class Team;
  std::function<void(Completion)> deliver_;
  std::unique_ptr<Team> urgent_;
  std::unique_ptr<Team> normal_;
  std::unique_ptr<Team> long_;
  std::unique_ptr<Team> watch_;
};

}  // namespace ecluse::control
