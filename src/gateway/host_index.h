#pragma once
// Names of hosts to numbers, for a table with many: two arrays, so that a look-up among 10,000
// hosts touches two cache lines, and a new table costs no allocation per host.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace ecluse::gateway {

/// Built by one thread, then read by any.
class HostIndex {
 public:
  /// A host that is here already keeps its first number.
  void add(std::string_view host, std::uint32_t number);
  std::optional<std::uint32_t> find(std::string_view host) const;
  std::size_t size() const { return used_; }

 private:
  /// Of open addressing with linear probing, at most half full. A length of 0 is a free slot.
  struct Slot {
    std::uint32_t tag = 0;    ///< the upper half of the hash
    std::uint32_t begin = 0;  ///< in names_
    std::uint32_t length = 0;
    std::uint32_t number = 0;
  };
  /// Where `host` is, or the free slot where it would be.
  std::size_t slot_of(std::string_view host, std::size_t hash) const;
  void grow();

  std::vector<Slot> slots_;  ///< a power of two of them
  std::string names_;
  std::size_t used_ = 0;
};

}  // namespace ecluse::gateway
