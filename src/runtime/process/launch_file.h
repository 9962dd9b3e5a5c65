#pragma once
// A launch on disk: launch.json for us, env with the secrets, each readable by root alone.

#include <filesystem>
#include <string>

#include "base/result.h"
#include "base/time.h"
#include "ports/runtime.h"

namespace ecluse::runtime {

struct StoredLaunch {
  ports::Launch launch;
  bool is_job = false;
  Duration timeout{};      ///< of a job
  std::uint16_t port = 0;  ///< the one it really has: without privileges it may be another
  std::string address;
};

Result<void> write_launch(const std::filesystem::path& folder, const StoredLaunch& stored);
Result<StoredLaunch> read_launch(const std::filesystem::path& folder);

}  // namespace ecluse::runtime
