#pragma once
// From what was seen of a started app to findings. Pure; the rules' words are in
// rules/started.cc and, where a static rule looks for the same, with that one.

#include <set>
#include <string>

#include "model/release.h"
#include "preflight/facts/repository.h"
#include "preflight/rules/finding.h"
#include "preflight/started/observation.h"

namespace ecluse::preflight {

struct StartedSubject {
  const Observations& seen;
  const Repository& repository;  ///< of the release's commit: what its code reads
  const model::EnvironmentSpec& environment;
  const model::ProcessSpec& process;
  const std::set<std::string>& given;            ///< variables set by ecluse.yml and secrets
  const std::set<std::string>& of_the_database;  ///< variables set by the database service
};

/// Without a place in a file: they are about what runs.
Findings findings_of(const StartedSubject& subject);

}  // namespace ecluse::preflight
