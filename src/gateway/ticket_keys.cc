#include "gateway/ticket_keys.h"

#include <sodium.h>

#include <algorithm>
#include <cstring>

namespace ecluse::gateway {

const TicketKey* TicketKeys::find(const unsigned char* name) const {
  const auto* const found = std::ranges::find_if(keys, [&](const TicketKey& key) {
    return key.born_s != 0 && std::memcmp(key.name.data(), name, key.name.size()) == 0;
  });
  return found == keys.end() ? nullptr : found;
}

bool rotate(TicketKeys& keys, std::int64_t now_s) {
  const std::int64_t born_s = keys.newest().born_s;
  if (born_s != 0 && born_s <= now_s && now_s - born_s < TicketKeys::kRotateEveryS) return false;
  std::rotate(keys.keys.begin(), keys.keys.end() - 1, keys.keys.end());
  TicketKey& key = keys.keys.front();
  randombytes_buf(key.name.data(), key.name.size());
  randombytes_buf(key.cipher.data(), key.cipher.size());
  randombytes_buf(key.mac.data(), key.mac.size());
  key.born_s = now_s;
  return true;
}

}  // namespace ecluse::gateway
