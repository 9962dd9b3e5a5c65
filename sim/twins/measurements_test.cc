#include "sim/twins/measurements.h"

#include <gtest/gtest.h>

#include "ports/measurements_conformance.h"

namespace ecluse::sim {
namespace {
class TwinMeasured final : public ports::MeasurementsWorld {
 public:
  ports::Measurements& measurements() override { return twin_; }
  void visit(model::ReleaseNumber release) override { twin_.answer({"lettings", "prod"}, release); }
  void exceed_a_bound() override { twin_.hit("head_bytes_max"); }
  void forget_everything() override { twin_.forget_everything(); }

 private:
  MeasurementsTwin twin_;
};
}  // namespace
}  // namespace ecluse::sim

namespace ecluse::ports {
INSTANTIATE_TEST_SUITE_P(Twin, MeasurementsConformance, testing::Values(MeasurementsFactory([] {
                           return std::make_unique<sim::TwinMeasured>();
                         })));
}  // namespace ecluse::ports
