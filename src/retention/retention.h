#pragma once
// Which releases stay possible to roll back to, and so whose artifacts may never be deleted. Pure.

#include <cstddef>
#include <map>
#include <set>
#include <vector>

#include "model/key.h"

namespace ecluse::retention {

/// Beside the stable one and what moves.
constexpr std::size_t kReleasesKept = 5;

/// The stable release, everything newer (it may be on its way), and the `keep` before it.
std::set<model::ReleaseNumber> retained(model::ReleaseNumber stable,
                                        const std::vector<model::ReleaseNumber>& all,
                                        std::size_t keep = kReleasesKept);

template <typename Release>
std::vector<model::ReleaseNumber> numbers_of(const std::map<model::ReleaseNumber, Release>& all) {
  std::vector<model::ReleaseNumber> numbers;
  for (const auto& [number, release] : all) numbers.push_back(number);
  return numbers;
}

}  // namespace ecluse::retention
