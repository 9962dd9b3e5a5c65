#include "gateway/gateway.h"

#include "base/log.h"
#include "gateway/keeper.h"
#include "gateway/worker_process.h"

namespace ecluse::gateway {

int gateway_main(const GatewayOptions& options) {
  const auto code =
      options.worker_fd >= 0 ? run_worker_process(options.worker_fd) : run_keeper(options);
  if (code) return *code;
  log_error("gateway: {}", code.error().message);
  if (!code.error().hint.empty()) log_error("gateway: {}", code.error().hint);
  return 1;
}

}  // namespace ecluse::gateway
