#pragma once
// The process that does not fail: it holds what must not be lost and respawns what may.

#include "base/result.h"
#include "gateway/gateway.h"

namespace ecluse::gateway {

/// Blocking, until SIGTERM or SIGINT and the worker's drain. Returns the exit code; an error means
/// it never served.
Result<int> run_keeper(const GatewayOptions& options);

}  // namespace ecluse::gateway
