#pragma once
// Looks at a release as it runs, by instances of its own that get no traffic: the started half of
// the audit (docs/check.md). Observes only; what it means is preflight/started's to say.

#include <filesystem>

#include "ports/examination.h"
#include "preflight/started/observation.h"

namespace ecluse::examine {

struct ExaminerOptions {
  std::filesystem::path desk;  ///< a folder of its own, for what traced processes write
  bool isolated = true;        ///< instances see mounts of their own
};

/// Starts up to two instances and one command, makes GET requests and stops them. Every wait is
/// bounded; nothing is left running, whatever fails. Fails only when the release cannot be started
/// a second time; the rest that cannot be seen is in Observations::not_seen. Blocking, up to about
/// three minutes.
Result<preflight::Observations> observe(ports::Runtime& runtime,
                                        const ports::ExaminationOrder& order,
                                        const ExaminerOptions& options);

/// Stops what a crash of the control plane left of an examination.
Result<void> stop_left_behind(ports::Runtime& runtime);

}  // namespace ecluse::examine
