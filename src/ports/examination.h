#pragma once
// Looking at a release while it runs, before anybody is sent to it.

#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "model/release.h"
#include "ports/runtime.h"

namespace ecluse::ports {

/// What to look at: instances of their own, which get no traffic and end with the examination.
struct ExaminationOrder {
  model::Release release;
  model::ProcessSpec process;  ///< the one that serves
  Launch launch;               ///< as an instance has it
  /// The same with a database address at which nobody answers; absent: it has no database.
  std::optional<Launch> without_database;
  std::map<std::string, std::string> secrets;  ///< by name; service passwords, too
  std::set<std::string> given;                 ///< variables that ecluse.yml and secrets set
  std::set<std::string> of_the_database;       ///< variables that its database service sets
};

struct Examination {
  std::string report;                 ///< findings as Release::audit holds them, JSON
  std::vector<std::string> blocking;  ///< one line a finding that forbids traffic
  std::string summary;                ///< "3 findings", for the stage
};

}  // namespace ecluse::ports
