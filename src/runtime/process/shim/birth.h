#pragma once
// The way from the shim to the app's first instruction.

#include <sys/types.h>

#include <string>
#include <vector>

#include "base/result.h"
#include "runtime/process/shim/conf.h"

namespace ecluse::shim {

/// Forks, makes the surroundings, gives up every privilege and execs. Returns once exec happened;
/// otherwise the child is gone and the error is what stopped it: NotFound and Refused speak of
/// `conf.argv[0]`. `env` holds NAME=VALUE; `output` is the path of the FIFO for stdout and stderr.
Result<pid_t> start_app(const Conf& conf, const std::vector<std::string>& env,
                        const std::string& output);

}  // namespace ecluse::shim
