#pragma once
// Ecluse time on a real machine (docs/state.md#clock).

#include <filesystem>
#include <functional>
#include <memory>

#include "base/result.h"
#include "ports/clock.h"
#include "storage/ecluse_time.h"

namespace ecluse::storage {

/// The machine's clocks; a test gives its own.
using ReadClocks = std::function<Result<ClockReading>()>;
Result<ClockReading> read_system_clocks();

struct SystemClockOptions {
  /// Ecluse time is never before this: the newest event's, should the clock's own file be lost.
  TimePoint floor{};
  Duration persist_interval = std::chrono::seconds(30);
  ReadClocks read = read_system_clocks;
};

/// Keeps its anchor in `file`, written anew by a thread of its own at each interval and at the end.
/// now() never goes back, also not over a restart or reboot.
class SystemClock : public ports::Clock {
 public:
  /// A file that cannot be understood is put aside as `file`.damaged, said in the log, and the
  /// floor takes its place.
  static Result<std::unique_ptr<SystemClock>> open(const std::filesystem::path& file,
                                                   SystemClockOptions options = {});
  ~SystemClock() override;

  TimePoint now() override;
  WallTime wall() override;

 private:
  struct Parts;
  explicit SystemClock(std::unique_ptr<Parts> parts);
  std::unique_ptr<Parts> parts_;
};

}  // namespace ecluse::storage
