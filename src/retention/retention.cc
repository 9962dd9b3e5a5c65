#include "retention/retention.h"

#include <algorithm>

namespace ecluse::retention {

std::set<model::ReleaseNumber> retained(model::ReleaseNumber stable,
                                        const std::vector<model::ReleaseNumber>& all,
                                        std::size_t keep) {
  auto sorted = all;
  std::ranges::sort(sorted, std::greater<>());
  std::set<model::ReleaseNumber> kept;
  std::size_t earlier = 0;
  for (const auto number : sorted)
    if (number >= stable || earlier++ < keep) kept.insert(number);
  return kept;
}

}  // namespace ecluse::retention
