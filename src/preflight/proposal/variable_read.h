#pragma once
// A variable that the code reads when it runs in production. Pure.

#include <vector>

#include "preflight/proposal/proposal.h"

namespace ecluse::preflight {

/// Lives as long as the repository it was found in.
struct VariableRead {
  const CodeFile* file;
  const EnvRead* read;

  Evidence why() const;
};

/// In the order of the files; not what only development and tests read.
std::vector<VariableRead> production_reads(const Repository& repository);

}  // namespace ecluse::preflight
