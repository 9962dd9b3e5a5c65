#include "gateway/gateway.h"

#include "base/log.h"
#include "gateway/certifier.h"
#include "gateway/keeper.h"
#include "gateway/worker_process.h"

namespace ecluse::gateway {

namespace {
Result<int> run(const GatewayOptions& options) {
  if (!options.certifier.empty()) return run_certifier(options.certifier);
  return options.worker_fd >= 0 ? run_worker_process(options.worker_fd) : run_keeper(options);
}
}  // namespace

int gateway_main(const GatewayOptions& options) {
  const auto code = run(options);
  if (code) return *code;
  log_error("gateway: {}", code.error().message);
  if (!code.error().hint.empty()) log_error("gateway: {}", code.error().hint);
  return 1;
}

}  // namespace ecluse::gateway
