#pragma once
#include <string>
#include <vector>

namespace ecluse::examine {

constexpr std::size_t kAssetsMax = 5;
constexpr std::size_t kAssetPathBytesMax = 256;  ///< a longer one is passed over

/// Paths of the same site that a page loads (styles, scripts, pictures, fonts), each once: the
/// first kAssetsMax. Pure.
std::vector<std::string> assets_in(const std::string& body);

}  // namespace ecluse::examine
