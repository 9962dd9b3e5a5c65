#pragma once
// Whether this process may protect others from the kernel's out-of-memory killer.

namespace ecluse::services {

constexpr int kOomProtected = -900;  ///< -1000 would also protect one that leaks

/// kOomProtected, or 0 where CAP_SYS_RESOURCE is missing: the kernel then refuses to lower it.
int best_oom_score_adj();

}  // namespace ecluse::services
