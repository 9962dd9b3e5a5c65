#include "sim/twins/workshop.h"

#include "ports/backups_conformance.h"

namespace ecluse::ports {
namespace {

/// What the twin keeps outlives a control plane, as files do.
class TwinBackupsWorld final : public BackupsWorld {
 public:
  Backups& backups() override { return twin_; }
  void reopen() override {}
  void database_goes_away() override { twin_.database_is_away = true; }

 private:
  sim::TwinBackups twin_;
};

INSTANTIATE_TEST_SUITE_P(Twin, BackupsConformance,
                         testing::Values([] { return std::make_unique<TwinBackupsWorld>(); }));

}  // namespace
}  // namespace ecluse::ports
