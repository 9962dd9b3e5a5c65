#pragma once
// Work inside another network namespace, on a thread of its own so that ours never moves.

#include <functional>

#include "base/result.h"
#include "os/fd.h"

namespace ecluse::runtime {

/// A new network namespace; it lives as long as this descriptor or a process in it.
Result<os::Fd> new_network_namespace();
/// That of a process.
Result<os::Fd> network_namespace_of(int pid);
/// Runs `work` inside. What it starts (os::run) is inside too.
Result<void> inside(int netns_fd, const std::function<Result<void>()>& work);

}  // namespace ecluse::runtime
