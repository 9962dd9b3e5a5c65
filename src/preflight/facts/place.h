#pragma once
// A position in a file.

#include <compare>

namespace ecluse::preflight {

/// Both from 1; `column` counts bytes. Line 0: the file as a whole.
struct Place {
  int line = 0;
  int column = 0;
  auto operator<=>(const Place&) const = default;
};

}  // namespace ecluse::preflight
