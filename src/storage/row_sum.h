#pragma once
// The checksum of a stored row: finds accidents of disks and memory, not attackers.

#include <cstdint>
#include <initializer_list>
#include <string_view>

namespace ecluse::storage {

/// FNV-1a, 64 bits (Fowler, Noll, Vo; draft-eastlake-fnv), over numbers and length-prefixed texts,
/// so that bytes moved from one column to the next change it.
inline std::int64_t row_sum(std::initializer_list<std::string_view> texts,
                            std::initializer_list<std::int64_t> numbers) {
  std::uint64_t hash = 0xcbf29ce484222325ULL;
  const auto add_byte = [&](std::uint8_t byte) { hash = (hash ^ byte) * 0x100000001b3ULL; };
  const auto add_number = [&](std::uint64_t number) {
    for (int shift = 0; shift < 64; shift += 8)
      add_byte(static_cast<std::uint8_t>(number >> shift));
  };
  for (const auto number : numbers) add_number(static_cast<std::uint64_t>(number));
  for (const auto text : texts) {
    add_number(text.size());
    for (const char c : text) add_byte(static_cast<std::uint8_t>(c));
  }
  return static_cast<std::int64_t>(hash);
}

}  // namespace ecluse::storage
