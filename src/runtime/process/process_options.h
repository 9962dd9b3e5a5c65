#pragma once
// What an operator may set about the process runtime, with the defaults it runs with.

#include <cstdint>
#include <string>

#include "base/time.h"

namespace ecluse::runtime {

enum class Isolation {
  kWherePossible,
  kNever,  ///< plain processes, as without privileges
};

struct ProcessOptions {
  std::string network = "10.83.0.0/16";
  Isolation isolation = Isolation::kWherePossible;
  Duration backoff_first = std::chrono::milliseconds(200);
  Duration backoff_max = std::chrono::seconds(30);
  Duration stable_after = std::chrono::seconds(60);  ///< a run this long forgets earlier exits
  int crash_exits = 5;                               ///< so many exits within the window
  Duration crash_window = std::chrono::minutes(2);
  std::uint64_t log_bytes_max = 10 << 20;  ///< of one file
  int log_files_max = 5;                   ///< of one instance
};

}  // namespace ecluse::runtime
