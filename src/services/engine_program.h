#pragma once
// The database programs that the distribution installed.

#include <filesystem>
#include <string>
#include <vector>

#include "base/result.h"
#include "model/spec.h"

namespace ecluse::services {

struct EnginePlaces {
  std::filesystem::path postgres = "/usr/lib/postgresql";  ///< MAJOR/bin below it
  std::filesystem::path redis_server = "/usr/bin/redis-server";
};

struct EngineProgram {
  std::string major;
  std::filesystem::path bin;  ///< the folder of its programs
};

/// Every major version that is installed, newest first.
std::vector<EngineProgram> installed_engines(model::ServiceKind kind, const EnginePlaces& places);

/// The one of `major`, or the newest when it is empty. Refused: not installed; the hint names the
/// package.
Result<EngineProgram> find_engine(model::ServiceKind kind, const std::string& major,
                                  const EnginePlaces& places);

}  // namespace ecluse::services
