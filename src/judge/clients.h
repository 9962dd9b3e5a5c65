#pragma once
// Which clients were seen, and which of them erred: the unit of a test is a client where there is
// one, because requests of one person depend on each other. Exact and bounded; no sketch, because a
// sketch's collisions would be outcomes nobody drew.

#include <cstdint>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "base/result.h"

namespace ecluse::judge {

/// What a request is to the tests.
enum class Draw : std::uint8_t {
  kFirstEver,     ///< the first request of its client, or one that is a unit of its own
  kFirstOfStage,  ///< the first since the weight changed
  kRepeated,
  kUnsampled,  ///< of a client that is not followed
};

class Clients {
 public:
  /// Followed ones; when there are more, every second one by hash is let go, whatever it did.
  static constexpr std::size_t kSeenMax = 65'536;
  static constexpr std::size_t kErringMax = 65'536;

  Draw draw(std::uint64_t client, std::uint32_t stage);
  bool has_erred(std::uint64_t client) const { return erring_.contains(client); }
  /// True for the first error of `client` on either arm; false too once the bound is reached.
  bool first_error(std::uint64_t client);
  /// Some erring client could not be told from a new one: nothing may be proven harmless any more.
  bool overflowed() const { return overflowed_; }
  /// Requests were left out by their units. Who is first heard of in the middle of a visit has met
  /// no error before, or has and was left out, or would have left: those who stay flatter a bad
  /// release. So nothing may be proven harmless by clients any more.
  void miss_some() { missed_ = true; }
  bool may_prove_harmless() const { return !overflowed_ && !(missed_ && !stage_of_.empty()); }

  struct Seen {
    std::uint64_t client = 0;
    std::uint32_t stage = 0;
  };
  /// All there is to store, in the order of their hashes so that equal clients are equal text.
  struct Stored {
    std::uint32_t halvings = 0;
    std::vector<Seen> seen;
    std::vector<std::uint64_t> erring;
    bool overflowed = false;
    bool missed = false;
  };
  Stored stored() const;
  /// Invalid when there are more than the bounds allow.
  static Result<Clients> restored(const Stored& stored);

 private:
  bool is_followed(std::uint64_t client) const;
  void follow_half();

  std::unordered_map<std::uint64_t, std::uint32_t> stage_of_;
  std::unordered_set<std::uint64_t> erring_;
  std::uint32_t halvings_ = 0;
  bool overflowed_ = false;
  bool missed_ = false;
};

}  // namespace ecluse::judge
