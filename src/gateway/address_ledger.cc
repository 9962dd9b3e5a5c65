#include "gateway/address_ledger.h"

#include <algorithm>
#include <cstring>

namespace ecluse::gateway {

std::uint64_t ledger_key(const in6_addr& address) {
  std::uint64_t key = 0;
  const std::size_t from = IN6_IS_ADDR_V4MAPPED(&address) ? 8 : 0;
  std::memcpy(&key, address.s6_addr + from, sizeof key);
  return key;
}

AddressLedger::Entry* AddressLedger::entry_in(Shard& shard, std::uint64_t key,
                                              std::int64_t now_us) {
  constexpr std::size_t kMost = kEntriesMax / kShards;
  if (const auto known = shard.find(key); known != shard.end()) return &known->second;
  if (shard.size() >= kMost) {
    std::erase_if(shard, [&](const auto& known) {
      return known.second.connections == 0 && known.second.full_at_us <= now_us;
    });
  }
  return shard.size() >= kMost ? nullptr : &shard[key];
}

bool AddressLedger::open(std::uint64_t key, std::uint64_t most, Millis now) {
  return shard_of(key).with([&](Shard& shard) {
    Entry* const entry = entry_in(shard, key, now * 1000);
    if (entry == nullptr) return true;
    if (entry->connections >= most) return false;
    ++entry->connections;
    return true;
  });
}

void AddressLedger::close(std::uint64_t key) {
  shard_of(key).with([&](Shard& shard) {
    const auto known = shard.find(key);
    if (known == shard.end() || known->second.connections == 0) return;  // it was not counted
    // The debt of a bucket outlives the connection, or closing one would pay it.
    if (--known->second.connections == 0 && known->second.full_at_us == 0) shard.erase(known);
  });
}

bool AddressLedger::request(std::uint64_t key, std::uint64_t per_second, Millis now) {
  constexpr std::int64_t kSecondUs = 1'000'000;
  const std::int64_t now_us = now * 1000;
  return shard_of(key).with([&](Shard& shard) {
    Entry* const entry = entry_in(shard, key, now_us);
    if (entry == nullptr) return true;
    // Each request moves the moment at which the bucket is full by what one token takes.
    const std::int64_t cost_us = kSecondUs / static_cast<std::int64_t>(per_second);
    const std::int64_t full_at_us = std::max(entry->full_at_us, now_us) + cost_us;
    if (full_at_us > now_us + kSecondUs) return false;
    entry->full_at_us = full_at_us;
    return true;
  });
}

std::size_t AddressLedger::size() const {
  std::size_t count = 0;
  for (const auto& shard : shards_) {
    count += shard.with([](const Shard& known) { return known.size(); });
  }
  return count;
}

}  // namespace ecluse::gateway
