#pragma once
// The private root of an app: host folders bound one by one onto an empty root, /app and /etc as
// read-only overlays, private /tmp, /run, /dev/shm and /proc, volumes.

#include <sys/types.h>

#include "base/result.h"
#include "runtime/process/shim/conf.h"

namespace ecluse::shim {

/// In the app's own process, between fork and exec, as root. Afterwards the old root is gone.
/// `uid` is the app's.
Result<void> enter_surroundings(const Surroundings& surroundings, uid_t uid);

}  // namespace ecluse::shim
