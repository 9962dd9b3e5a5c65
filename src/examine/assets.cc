#include "examine/assets.h"

#include <fmt/format.h>

#include <algorithm>
#include <regex>

namespace ecluse::examine {

std::vector<std::string> assets_in(const std::string& body) {
  // Each repetition has a bound: libstdc++'s matcher calls itself for each byte.
  static const std::regex kReference(
      fmt::format(
          R"re((?:href|src)\s{{0,4}}=\s{{0,4}}["'](/[^"'/?#][^"'?#]{{0,{}}}\.(?:css|js|png|svg|ico|jpg|webp|woff2?))["'?#])re",
          kAssetPathBytesMax),
      std::regex::icase);
  std::vector<std::string> found;
  for (std::sregex_iterator at(body.begin(), body.end(), kReference), end;
       at != end && found.size() < kAssetsMax; ++at) {
    auto path = (*at)[1].str();
    if (std::ranges::find(found, path) == found.end()) found.push_back(std::move(path));
  }
  return found;
}

}  // namespace ecluse::examine
