#pragma once
// What `make start` comes to run: the recipes of a Makefile followed to their commands. Pure.

#include <string>
#include <string_view>

namespace ecluse::preflight {

/// The recipe lines that a `make TARGET...` of `line` runs, prerequisites first, one a line; those
/// of the first target when it names none. "" when it calls no make, or one of another file or
/// folder (-f, -C). Recipes may call each other in a circle: at most kRecipesMax are followed.
/// Variables that the file sets are filled in, the others stay as they are written.
std::string follow_make(std::string_view makefile, std::string_view line);
constexpr int kRecipesMax = 64;

}  // namespace ecluse::preflight
