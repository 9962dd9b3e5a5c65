#pragma once
// The keys that seal TLS session tickets. The newest ones lie in the gateway's shared memory, so
// that a client resumes its session on any thread, after the worker process was replaced, and after
// an upgrade. They are never on disk: who steals the disk cannot open recorded traffic.

#include <array>
#include <cstdint>

namespace ecluse::gateway {

struct TicketKey {
  std::array<unsigned char, 16> name{};  ///< stands in the ticket, so that we find the key again
  std::array<unsigned char, 32> cipher{};
  std::array<unsigned char, 32> mac{};
  std::int64_t born_s = 0;  ///< 0: the place is empty
};

/// The newest keys, the newest first; it seals, all of them open. A plain value: threads get
/// copies.
struct TicketKeys {
  static constexpr std::int64_t kRotateEveryS = 6 * 3600;
  std::array<TicketKey, 3> keys{};

  const TicketKey& newest() const { return keys.front(); }
  /// The key of that name (16 bytes), or null.
  const TicketKey* find(const unsigned char* name) const;
};

/// Adds a new newest key when there is none, when it is old, or when the clock was set back before
/// its birth; true if it did. The oldest is overwritten.
bool rotate(TicketKeys& keys, std::int64_t now_s);

}  // namespace ecluse::gateway
