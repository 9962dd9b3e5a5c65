#pragma once
// Where the submodules of a commit come from, as its .gitmodules says. Only paths and URLs are
// read; `update`, `ignore` and all else is not.

#include <filesystem>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "artifact/git_tree.h"
#include "base/result.h"

namespace ecluse::artifact {

/// Path in the tree to URL as written.
using SubmoduleUrls = std::map<std::string, std::string>;

/// From the output of `git config -z --list` of a .gitmodules.
SubmoduleUrls parse_submodule_urls(std::string_view listing);

/// Empty when `entries` holds no submodule.
Result<SubmoduleUrls> submodule_urls(const std::filesystem::path& git_folder,
                                     const std::vector<TreeEntry>& entries);

}  // namespace ecluse::artifact
