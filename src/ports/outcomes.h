#pragma once
// What became of each request of a release on trial: the judge's evidence, from the gateway.

#include <cstdint>
#include <string>
#include <vector>

#include "base/result.h"
#include "base/time.h"
#include "model/key.h"

namespace ecluse::ports {

/// One request. Sent when it arrives (kPending) and again when it is settled; both may come as one
/// record. A record whose `arrival` was seen before replaces the earlier one.
struct Outcome {
  enum class State : std::uint8_t {
    kPending,
    kOk,       ///< answered, below 500
    kError,    ///< 5xx, refused, reset or truncated; a first attempt that a retry saved is one too
    kCrashed,  ///< an error whose instance died with it
    kLeft,     ///< the client went away first: neither a success nor an error
  };
  std::uint64_t arrival = 0;         ///< counts the site's requests within the epoch, from 1
  model::ReleaseNumber release = 0;  ///< that it was given to at its arrival
  std::uint32_t weight_ppm = 0;      ///< of the release on trial, at its arrival
  std::uint64_t client = 0;          ///< keyed hash of the client id; 0: a unit of its own
  State state = State::kPending;
  bool probe = false;            ///< ours: health, ask(), synthetic; the judge leaves it out
  std::uint64_t arrived_ms = 0;  ///< on the clock of OutcomeBatch::now_ms
  std::uint32_t latency_ms = 0;  ///< to the last byte from the app; of a pending one 0
  bool operator==(const Outcome&) const = default;
};

/// Where a reader stands. A default one starts at the oldest record that is kept.
struct OutcomeCursor {
  std::string epoch;           ///< of the memory the records live in; survives a worker's death
  std::uint64_t position = 0;  ///< of the next record to read
  bool operator==(const OutcomeCursor&) const = default;
};

struct OutcomeBatch {
  OutcomeCursor next;        ///< store it with what was concluded, then ask from there
  std::uint64_t now_ms = 0;  ///< so that a pending request that is too slow is known as such
  /// Records overwritten before they were read: counted, not judged. A settlement may be among
  /// them, so of what is still pending then nothing more may come; and the settlement of an arrival
  /// that was lost may come still.
  std::uint64_t lost = 0;
  /// Requests of this trial so far that were not recorded, because there were too many a second:
  /// units chosen at random when they arrived, so that the rest is a fair sample.
  std::uint64_t thinned = 0;
  std::vector<Outcome> outcomes;  ///< arrivals in order; at most kMaxBatch
};

inline constexpr std::size_t kMaxBatch = 8192;
inline constexpr Duration kPatienceMax{10'000};

/// Thread-safe. Records are kept while a site names a release on trial (Site::on_trial).
class Outcomes {
 public:
  virtual ~Outcomes() = default;

  /// The records of `key` from `cursor` on. Returns at once when an error of the release on trial
  /// is among them or half of kMaxBatch are there; else after `patience` (at most kPatienceMax)
  /// with what there is. Another trial of the same site begins with its own oldest record, whatever
  /// the cursor; a site without a trial has none, and the cursor stays. NotFound: no such site.
  /// Unavailable: the gateway does not answer; ask again with the same cursor.
  virtual Result<OutcomeBatch> read(const model::EnvironmentKey& key, const OutcomeCursor& cursor,
                                    Duration patience) = 0;
};

}  // namespace ecluse::ports
