#pragma once
// Which Python or Node of this machine a build uses: the version that the project asks for, in a
// place that an unprivileged user can reach.

#include <filesystem>
#include <string>
#include <vector>

#include "base/result.h"

namespace ecluse::artifact {

struct Interpreter {
  std::filesystem::path program;
  std::string version;  ///< "3.11.2"
  bool operator==(const Interpreter&) const = default;
};

/// "3.11.2" satisfies "", "3", "3.11" and "3.11.2", not "3.1".
bool satisfies(std::string_view version, std::string_view wanted);

/// Whether every user may enter the folders down to `program` and run it, links followed.
bool reachable_by_all(const std::filesystem::path& program);

/// The distribution's Python, or one of version `wanted` ("3.12"). NotFound says which there are,
/// and which were passed over because only root could run them.
Result<Interpreter> find_python(const std::string& wanted);

}  // namespace ecluse::artifact
