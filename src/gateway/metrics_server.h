#pragma once
// GET /metrics on a listener of its own, for Prometheus. It is meant for a private address: it asks
// for no password.

#include <atomic>
#include <functional>
#include <memory>
#include <string>
#include <thread>

#include "gateway/listen_address.h"
#include "metrics/traffic.h"
#include "os/fd.h"

namespace ecluse::gateway {

/// One connection and one request at a time; whoever is slower than kPatienceMs is cut off.
class MetricsServer {
 public:
  static constexpr int kPatienceMs = 2000;
  using Measure = std::function<metrics::Traffic()>;

  /// Conflict: the address is taken by another program.
  static Result<std::unique_ptr<MetricsServer>> start(ListenAddress address, Measure measure);
  ~MetricsServer();
  MetricsServer(const MetricsServer&) = delete;
  MetricsServer& operator=(const MetricsServer&) = delete;

 private:
  MetricsServer(os::Fd listener, os::Fd wake, Measure measure);
  void run();
  void serve(const os::Fd& connection);

  os::Fd listener_;
  os::Fd wake_;
  Measure measure_;
  std::thread thread_;
};

}  // namespace ecluse::gateway
