#pragma once
// What the extras of a Python package install besides it. Pure.

#include <span>
#include <string_view>

namespace ecluse::preflight {

/// The packages that `PACKAGE[EXTRA]` brings, of those that somebody asks about; both names as
/// normal_name() makes them. Source: the packages' own metadata (Provides-Extra).
std::span<const std::string_view> brought_by(std::string_view package, std::string_view extra);

}  // namespace ecluse::preflight
