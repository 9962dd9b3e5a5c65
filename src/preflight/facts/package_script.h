#pragma once
// What `npm start` comes to run: the scripts of a package.json followed to their commands. Pure.

#include <string>
#include <string_view>

#include "preflight/facts/manifest.h"

namespace ecluse::preflight {

constexpr int kScriptsDeep = 6;
constexpr std::size_t kScriptsFollowed = 64;  ///< of one line

/// `line` with each `npm run X`, `npm start`, `yarn X` or `pnpm X` of its && and ; parts replaced
/// by that script's own command, and so on within these bounds: scripts may name each other in a
/// circle. What names no script stays.
std::string follow_scripts(const Manifest& package, std::string_view line);

}  // namespace ecluse::preflight
