#pragma once
#include "base/time.h"

namespace ecluse::ports {

/// Thread-safe. `now` is ecluse time (base/time.h); `wall` is only shown to people.
class Clock {
 public:
  virtual ~Clock() = default;
  virtual TimePoint now() = 0;
  virtual WallTime wall() = 0;
};

}  // namespace ecluse::ports
