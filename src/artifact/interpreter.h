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

/// The machine's Node or Go, which must satisfy `wanted` (Go: be at least that, as its releases
/// promise to build what older ones built). NotFound says which there is.
Result<Interpreter> find_node(const std::string& wanted);
Result<Interpreter> find_go(const std::string& wanted);

/// "1.22.3" is at least "1.9".
bool at_least(std::string_view version, std::string_view wanted);

}  // namespace ecluse::artifact
