#pragma once
// Bounds of memory and processes for one command of a build: a control group of its own, version 2
// or 1, whichever this machine mounts. Where there is none only the limits per process hold.

#include <sys/types.h>

#include <cstdint>
#include <filesystem>
#include <vector>

#include "base/result.h"

namespace ecluse::artifact {

struct SandboxBounds;

class Cage {
 public:
  explicit Cage(const SandboxBounds& bounds);
  /// Removes the groups; every process in them has ended by then.
  ~Cage();
  Cage(const Cage&) = delete;
  Cage& operator=(const Cage&) = delete;

  Result<void> admit(pid_t process) const;
  bool ran_out_of_memory() const;

 private:
  void add(const std::filesystem::path& group);

  std::vector<std::filesystem::path> groups_;
  std::filesystem::path oom_file_;
};

/// Removes the groups that builders which are gone have left, and whatever still runs in them.
/// Succeeds when there are none.
Result<void> clear_dead_cages();

}  // namespace ecluse::artifact
