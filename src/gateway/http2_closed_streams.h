#pragma once
// Which streams of a connection were closed lately, and by whom: what a client still sends on them
// is on its way (we have reset it) or a fault (RFC 9113 sections 5.1 and 5.1.1). nghttp2 keeps
// closed streams only for priorities, which we do not have.

#include <algorithm>
#include <array>
#include <cstdint>

namespace ecluse::gateway::http2 {

class ClosedStreams {
 public:
  enum class Was : std::uint8_t {
    kOpenOrForgotten,
    kClosedByUs,   ///< what was under way may still come
    kEndedByPeer,  ///< it said itself that nothing more comes
    kNeverOpened,  ///< passed over: a later one was opened
  };

  void note_opened(std::int32_t id) { newest_ = std::max(newest_, id); }
  void note_closed(std::int32_t id, bool ended_by_peer) {
    Entry& oldest = ring_[next_++ % ring_.size()];
    forgotten_ = std::max(forgotten_, oldest.id);
    oldest = {id, ended_by_peer};
  }
  /// Of a stream that is not open.
  Was was(std::int32_t id) const {
    if (id > newest_) return Was::kOpenOrForgotten;
    const auto* const entry = std::ranges::find(ring_, id, &Entry::id);
    if (entry != ring_.end()) return entry->ended_by_peer ? Was::kEndedByPeer : Was::kClosedByUs;
    return id > forgotten_ ? Was::kNeverOpened : Was::kOpenOrForgotten;
  }

 private:
  struct Entry {
    std::int32_t id = 0;
    bool ended_by_peer = false;
  };
  static constexpr std::size_t kKept = 128;  ///< more than may be open at once
  std::array<Entry, kKept> ring_;
  std::size_t next_ = 0;
  std::int32_t newest_ = 0;
  std::int32_t forgotten_ = 0;
};

}  // namespace ecluse::gateway::http2
