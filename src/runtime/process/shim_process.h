#pragma once
// Starts a shim so that it is nobody's child: two forks, a session of its own.

#include <optional>
#include <string>

#include "base/result.h"
#include "os/fd.h"

namespace ecluse::runtime {

struct OrphanedApp {
  int pid = 0;  ///< 0: gone as well
  std::uint64_t pid_start = 0;
  std::uint32_t starts = 0;
};

struct ShimCall {
  int image_fd = -1;
  std::string folder;      ///< data folder of the instance
  std::string run_folder;  ///< where shim.sock goes
  int netns_fd = -1;
  std::optional<OrphanedApp> adopt;
};

/// Returns once the app was exec'd (or adopted), or with what stopped it.
Result<void> start_shim(const ShimCall& call);

}  // namespace ecluse::runtime
