#include "sim/twins/outcomes.h"

#include <gtest/gtest.h>

#include <functional>

#include "ports/outcomes_conformance.h"

namespace ecluse::sim {
namespace {

using ports::Outcome;

/// People who visit a site that is served by nobody but the twin.
class TwinWorld final : public ports::OutcomesWorld {
 public:
  ports::Outcomes& outcomes() override { return twin_; }
  void stage(const Stage& stage) override {
    stage_ = stage;
    twin_.serve(kKey, stage.on_trial);
  }
  void visit(Deed deed, const std::string& client) override {
    Outcome outcome = arriving(client);
    outcome.state =
        deed == Deed::kWell || deed == Deed::kProbe ? Outcome::State::kOk : Outcome::State::kError;
    outcome.probe = deed == Deed::kProbe;
    twin_.record(kKey, outcome);
  }
  void begin() override {
    pending_ = arriving("");
    pending_.arrived_ms = twin_.now_ms();
    pending_.arrival = twin_.record(kKey, pending_);
  }
  void finish() override { end(Outcome::State::kOk); }
  void leave() override { end(Outcome::State::kLeft); }

 private:
  static inline const model::EnvironmentKey kKey{"lettings", "prod"};

  Outcome arriving(const std::string& client) const {
    Outcome outcome{.release = stage_.weight_ppm > 0 ? 7U : 6U, .weight_ppm = stage_.weight_ppm};
    if (stage_.sticky) outcome.client = std::hash<std::string>{}(client) | 1;
    return outcome;
  }
  void end(Outcome::State state) {
    pending_.state = state;
    twin_.record(kKey, pending_);
  }

  OutcomesTwin twin_;
  Stage stage_;
  Outcome pending_;
};

}  // namespace
}  // namespace ecluse::sim

namespace ecluse::ports {
INSTANTIATE_TEST_SUITE_P(Twin, OutcomesConformance, testing::Values(OutcomesFactory([] {
                           return std::make_unique<sim::TwinWorld>();
                         })));
}  // namespace ecluse::ports
