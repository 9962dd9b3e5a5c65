#include "sim/twins/traffic.h"

#include "ports/traffic_conformance.h"

namespace ecluse::sim {

using ports::TrafficConformance;

namespace {
/// For the conformance suite: a twin that owns its time.
class OwningTwin final : public TwinTraffic {
 public:
  explicit OwningTwin(std::unique_ptr<Scheduler> scheduler)
      : TwinTraffic(*scheduler), scheduler_(std::move(scheduler)) {}

 private:
  std::unique_ptr<Scheduler> scheduler_;
};
}  // namespace

INSTANTIATE_TEST_SUITE_P(Twin, TrafficConformance, testing::Values([] {
                           return std::make_unique<OwningTwin>(std::make_unique<Scheduler>());
                         }));

}  // namespace ecluse::sim
