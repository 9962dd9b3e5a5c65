#pragma once
// What each client address has of us: connections, and requests a second. Shared by all threads.

#include <netinet/in.h>

#include <array>
#include <cstdint>
#include <string_view>
#include <unordered_map>

#include "base/locked.h"
#include "gateway/timer_wheel.h"

namespace ecluse::gateway {

/// An IPv4 address, or the /64 of an IPv6 one: who has one address there has them all.
std::uint64_t ledger_key(const in6_addr& address);

/// Thread-safe. At most kEntriesMax addresses are known at once; beyond that the ones without a
/// connection and without a debt are forgotten, and if there are none, newcomers are not counted.
class AddressLedger {
 public:
  static constexpr std::size_t kEntriesMax = 262'144;

  /// Counts a connection; false, and nothing counted, when the address has `most` already.
  bool open(std::uint64_t key, std::uint64_t most, Millis now);
  void close(std::uint64_t key);
  /// One request of `per_second` (a bucket of as many tokens; Turner 1986): false when too many.
  bool request(std::uint64_t key, std::uint64_t per_second, Millis now);
  std::size_t size() const;

 private:
  static constexpr std::size_t kShards = 64;
  struct Entry {
    std::uint32_t connections = 0;
    std::int64_t full_at_us = 0;  ///< when the bucket will be full again
  };
  using Shard = std::unordered_map<std::uint64_t, Entry>;
  static Entry* entry_in(Shard& shard, std::uint64_t key, std::int64_t now_us);
  Locked<Shard>& shard_of(std::uint64_t key) {
    return shards_[(key * 0x9e3779b97f4a7c15ULL >> 32) % kShards];
  }
  std::array<Locked<Shard>, kShards> shards_;
};

}  // namespace ecluse::gateway
