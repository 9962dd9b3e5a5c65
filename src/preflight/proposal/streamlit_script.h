#pragma once
// The script that Streamlit is to start, where nothing in the repository says it. Pure.

#include "preflight/proposal/proposal.h"

namespace ecluse::preflight {

/// The one that imports streamlit and that no other file imports; of several the one that has pages
/// beside it, or sets the page up. Nothing where two are alike: a name alone is never believed.
std::optional<Proven> streamlit_script(const Repository& repository);

}  // namespace ecluse::preflight
