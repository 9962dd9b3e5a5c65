#pragma once
// How a part is built: which manifest, and what must be installed besides. Pure.

#include "preflight/proposal/proposal.h"

namespace ecluse::preflight {

/// For a part that runs Python in `root`.
BuildProposal python_build(const Repository& repository, const std::string& root);
/// For a part whose package.json is `manifest`.
BuildProposal node_build(const Manifest& manifest);

/// "a/b" of folder "a" and name "b"; the name alone at the top.
std::string in_folder(std::string_view folder, std::string_view name);

/// Adds `package` to what is installed, if neither the manifests nor the build know it. False when
/// the build's tool cannot add one: then a person must.
bool install_also(const Repository& repository, const std::string& package, BuildProposal& build);

}  // namespace ecluse::preflight
