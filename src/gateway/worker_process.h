#pragma once
// The process that carries traffic. Whatever it holds may be lost: the keeper has the rest.

#include "base/result.h"

namespace ecluse::gateway {

/// `channel` leads to the keeper. Blocking, until told to finish or until the keeper is gone;
/// returns the exit code.
Result<int> run_worker_process(int channel);

}  // namespace ecluse::gateway
