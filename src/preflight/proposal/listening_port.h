#pragma once
// The port that a part listens on, where no variable tells it another. Pure.

#include "preflight/proposal/proposal.h"

namespace ecluse::preflight {

struct ListeningPort {
  Proven port;
  std::string variable;  ///< that decides it, and has to be given; "" : none has to
};

/// Nothing where the part listens on $PORT.
std::optional<ListeningPort> listening_port(const Repository& repository, const Part& part);

}  // namespace ecluse::preflight
