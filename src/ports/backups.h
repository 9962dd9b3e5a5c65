#pragma once
// What makes a release job's harm undoable.

#include <cstdint>
#include <string>
#include <vector>

#include "base/result.h"
#include "base/time.h"
#include "model/key.h"
#include "model/spec.h"

namespace ecluse::ports {

struct BackupRequest {
  model::EnvironmentKey key;
  model::ReleaseNumber release = 0;          ///< before whose jobs it is made
  std::vector<model::ServiceSpec> services;  ///< URLs of external ones are the values themselves
  std::vector<std::string> volumes;          ///< names; what cannot be backed up is said
};

/// One proven backup of what an environment keeps.
struct BackupSet {
  model::ReleaseNumber release = 0;  ///< that it was made for
  WallTime made_at;
  std::uint64_t bytes = 0;
  std::string words;  ///< for people: "db: 12 tables, 1.2 MB, restored in 0.8 s"
  bool operator==(const BackupSet&) const = default;
};

/// Of each environment's sets the newest are kept; the rest goes when another one is proven.
constexpr std::size_t kBackupSetsKept = 5;

/// Thread-safe, blocking for minutes; call from a worker. One call for an environment at a time.
class Backups {
 public:
  virtual ~Backups() = default;

  /// Backs up, and proves it by restoring it aside. Idempotent: the same release returns the same
  /// set. Refused: there is nothing it knows how to back up. Unavailable or Timeout may pass;
  /// anything else means there is none, and nothing is left of it.
  virtual Result<BackupSet> prove(const BackupRequest& request) = 0;

  /// What there is, newest release first. A damaged set is none.
  virtual Result<std::vector<BackupSet>> list(const model::EnvironmentKey& key) = 0;
};

}  // namespace ecluse::ports
