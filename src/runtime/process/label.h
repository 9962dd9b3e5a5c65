#pragma once
// Short stable names for what must be found again in the kernel: bridges, veths, cgroups.

#include <cstdint>
#include <string>
#include <string_view>

namespace ecluse::runtime {

/// FNV-1a, 64 bit (Fowler, Noll, Vo).
std::uint64_t label_hash(std::string_view text);
/// The first `digits` (at most 16) hexadecimal digits of the hash.
std::string short_label(std::string_view text, int digits);

}  // namespace ecluse::runtime
