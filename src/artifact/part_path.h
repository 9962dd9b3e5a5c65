#pragma once
#include <string>
#include <string_view>

#include "artifact/parts.h"

namespace ecluse::artifact {

/// `path` of the part's folder, relative to the top of the tree.
std::string in_root(const Part& part, std::string_view path);

}  // namespace ecluse::artifact
