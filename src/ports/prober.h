#pragma once
// Asks instances whether they are ready and alive, over and over, and tells when the answer
// changes.

#include <functional>
#include <string>
#include <vector>

#include "base/result.h"
#include "base/time.h"
#include "model/spec.h"

namespace ecluse::ports {

struct ProbeTarget {
  std::string instance;
  std::string address;
  std::uint16_t port = 0;
  std::string host;                       ///< Host header, the environment's first host
  std::optional<model::ProbeSpec> ready;  ///< absent: the port accepts a connection
  std::optional<model::ProbeSpec> live;
};

struct ProbeResult {
  std::string what;  ///< "ready GET /health", "connect"
  bool ok = false;
  int status = 0;      ///< 0: no HTTP answer
  std::string detail;  ///< "connection refused", "timed out after 5s", first bytes of the body
  WallTime at;
};

enum class ProbeChange { kReady, kUnready, kDead };
struct ProbeEvent {
  std::string instance;
  ProbeChange change = ProbeChange::kReady;
  std::string detail;  ///< which probe said so, and what it saw
};

/// Thread-safe. Nothing blocks.
class Prober {
 public:
  virtual ~Prober() = default;
  /// Starts watching, or changes the target of, `target.instance`. The first event comes when it
  /// becomes ready; it counts as unready until then.
  virtual void watch(const ProbeTarget& target) = 0;
  virtual void forget(const std::string& instance) = 0;
  /// The last few results, oldest first (at most 10): the evidence of a failed start.
  virtual std::vector<ProbeResult> recent(const std::string& instance) = 0;
  /// `on_event` comes from a thread of the prober's own; it must only hand over. Once.
  virtual void subscribe(std::function<void(const ProbeEvent&)> on_event) = 0;
};

}  // namespace ecluse::ports
