#pragma once
// Whether a path names one build of a file: "/assets/app-4f3a9c1e.js".

#include <string_view>

namespace ecluse::gateway {

/// True if the last segment of `target`, without its query, has an extension and before it a part
/// of eight or more letters and digits, set off by `.`, `-` or `_`, that has a digit and is not a
/// plain number: what bundlers append so that a name never stands for two contents.
bool is_hashed_asset(std::string_view target);

}  // namespace ecluse::gateway
