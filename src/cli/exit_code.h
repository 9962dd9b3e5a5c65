#pragma once
// What the exit codes mean (docs/command-line.md). `run` passes its command's code through instead.

#include "base/result.h"

namespace ecluse::cli {

enum Exit : int {
  kDone = 0,
  kFailed = 1,
  kUsage = 2,
  kRefused = 3,       ///< by a gate: approval, confirmation, policy
  kInconclusive = 4,  ///< neither proven good nor bad
  kUnreachable = 5,   ///< no daemon answers
  kDetached = 130,    ///< Ctrl-C while watching: what was watched goes on
};

constexpr int exit_code_of(ErrorKind kind) {
  return kind == ErrorKind::kRefused ? kRefused : kFailed;
}

}  // namespace ecluse::cli
