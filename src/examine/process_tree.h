#pragma once
#include <optional>
#include <string>
#include <vector>

namespace ecluse::examine {

/// `root` and all that it forked, as /proc tells now; empty when it is gone.
std::vector<int> tree_of(int root);
/// The command line, its words separated by blanks; empty when the process is gone.
std::string arguments_of(int pid);
/// The effective user id.
std::optional<unsigned> user_of(int pid);

}  // namespace ecluse::examine
