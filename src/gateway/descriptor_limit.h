#pragma once
// How many descriptors this process may have, and how many of them clients may take.

#include <cstdint>

namespace ecluse::gateway {

/// Raises the limit to the highest that this user may set (RLIMIT_NOFILE, soft to hard), and says
/// which one holds now.
std::uint64_t raise_descriptor_limit();

/// Descriptors that clients may take of `limit`, at most `bound`. An eighth is kept back: who is
/// here already needs some towards the apps. When they run short, newcomers are refused and the
/// old ones served.
std::uint64_t client_room(std::uint64_t limit, std::uint64_t bound);

}  // namespace ecluse::gateway
