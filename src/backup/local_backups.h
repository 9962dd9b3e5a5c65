#pragma once
// Backups as files of this machine: BACKUPS/APP/ENV/RELEASE/SERVICE.dump and a label
// (docs/backup.md).

#include <filesystem>

#include "ports/backups.h"
#include "ports/clock.h"
#include "ports/services.h"

namespace ecluse::backup {

/// Backs up PostgreSQL. Thread-safe as the port says; `services` and `clock` outlive it.
class LocalBackups : public ports::Backups {
 public:
  /// `folder` is made when it is needed, for root alone: dumps hold what the app's users entrusted.
  LocalBackups(std::filesystem::path folder, ports::Services& services, ports::Clock& clock)
      : folder_(std::move(folder)), services_(services), clock_(clock) {}

  Result<ports::BackupSet> prove(const ports::BackupRequest& request) override;
  Result<std::vector<ports::BackupSet>> list(const model::EnvironmentKey& key) override;

 private:
  std::filesystem::path folder_of(const model::EnvironmentKey& key) const {
    return folder_ / key.app / key.environment;
  }
  Result<ports::BackupSet> make(const ports::BackupRequest& request,
                                const std::filesystem::path& folder);

  std::filesystem::path folder_;
  ports::Services& services_;
  ports::Clock& clock_;
};

}  // namespace ecluse::backup
