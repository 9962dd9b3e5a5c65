#pragma once
// What makes a release job's harm undoable.

#include <string>

#include "base/result.h"
#include "model/key.h"

namespace ecluse::ports {

/// Thread-safe, blocking for minutes; call from a worker.
class Backups {
 public:
  virtual ~Backups() = default;

  /// Backs up the services and volumes of `key` before the jobs of `release` run, and proves it by
  /// restoring it aside. Idempotent: the same release returns the same backup. Answers in words for
  /// people: "1.2 GB, restored in 41 s". Unavailable may pass; anything else means there is none.
  virtual Result<std::string> prove(const model::EnvironmentKey& key,
                                    model::ReleaseNumber release) = 0;
};

}  // namespace ecluse::ports
