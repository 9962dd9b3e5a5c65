#pragma once
// Where effects run: on a bounded pool in production, by a deterministic scheduler in simulation.

#include <functional>
#include <string>

namespace ecluse::control {

/// What comes back from an effect: run on the thread of steps.
using Completion = std::function<void()>;
/// Calls ports; may block. Must not touch what the thread of steps owns.
using Work = std::function<Completion()>;

enum class Urgency {
  kUrgent,  ///< decisions about traffic: never behind anything slow
  kNormal,  ///< seconds: starts, stops, commits
  kLong,    ///< minutes: builds, checks, release jobs
  kWatch,   ///< waits for news, a tenth of a second at a time, over and over
};

/// Work of one lane runs in the order it was given and never twice at once, so that a stop follows
/// its start. Different lanes run side by side.
struct Lane {
  std::string name;
  Urgency urgency = Urgency::kNormal;
};

/// run() is called by the thread of steps only and never blocks.
class Executor {
 public:
  virtual ~Executor() = default;
  virtual void run(const Lane& lane, Work work) = 0;
};

}  // namespace ecluse::control
