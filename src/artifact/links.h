#pragma once
// Symbolic links of a tree that is not on disk yet: do they stay inside it?

#include <map>
#include <string>
#include <vector>

namespace ecluse::artifact {

/// Path of the link inside the tree ("a/b") to its target as written.
using Links = std::map<std::string, std::string>;

/// The links that lead out of the tree, followed through each other; in order. An absolute target
/// leads out; a loop of links leads nowhere and stays.
std::vector<std::string> links_that_leave(const Links& links);

}  // namespace ecluse::artifact
