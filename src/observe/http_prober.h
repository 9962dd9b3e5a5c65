#pragma once
// Probes over HTTP/1.1, or by connecting where no path is given: one thread, any number of targets,
// at most one attempt of each probe at a time.

#include <memory>

#include "ports/prober.h"

namespace ecluse::observe {

/// The first attempt comes at once, then every 50 ms until the first readiness (within the start
/// budget), then at the configured interval. watch() always starts anew; evidence is kept until
/// forget(). Once forget() has returned an event of that instance may still be under way.
class HttpProber : public ports::Prober {
 public:
  HttpProber();
  ~HttpProber() override;  ///< joins the thread: no event comes afterwards

  void watch(const ports::ProbeTarget& target) override;
  void forget(const std::string& instance) override;
  std::vector<ports::ProbeResult> recent(const std::string& instance) override;
  void subscribe(std::function<void(const ports::ProbeEvent&)> on_event) override;

 private:
  struct Parts;
  std::unique_ptr<Parts> parts_;
};

}  // namespace ecluse::observe
