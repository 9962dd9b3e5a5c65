#pragma once
// Where a repository says what starts it, the most trustworthy first. Pure.

#include <vector>

#include "preflight/proposal/proposal.h"

namespace ecluse::preflight {

struct StartLine {
  std::string folder;  ///< where it is run from; "" at the top
  std::string shell;
  Evidence why;
};

/// Dockerfiles (the top's first), compose files, Procfile, the files of hosting platforms; last
/// README and Makefile, whose `streamlit run` lines alone are worth reading.
std::vector<StartLine> start_lines(const Repository& repository, const Stack& stack);

}  // namespace ecluse::preflight
