#pragma once
// What this process may do on this machine, and what follows for instances. For `ecluse doctor`.

#include <string>
#include <vector>

namespace ecluse::runtime {

struct Privilege {
  std::string name;  ///< "network namespaces"
  bool ok = false;
  std::string consequence;  ///< what follows when it is missing; what was found when it is there
  std::string fix;          ///< what to do; empty when ok
};

/// Tries each thing for real and leaves no trace. Takes some 10 ms.
std::vector<Privilege> probe_privileges();

/// Whether instances get namespaces and users of their own; else they are plain processes.
bool can_isolate();

}  // namespace ecluse::runtime
