#pragma once
// What starts a Node part: a script of its package.json, else what its image or a platform starts,
// else the program that its scripts for development or `main` name. Pure.

#include "preflight/proposal/start_lines.h"

namespace ecluse::preflight {

/// `manifest` lies in the part's folder. Nothing where it starts no server of Node: a page that is
/// only built, a tool.
std::optional<Proven> node_command(const Repository& repository, const Manifest& manifest,
                                   const std::vector<StartLine>& lines);

}  // namespace ecluse::preflight
