#pragma once
// Which clients were seen, and which of them erred: the unit of a test is a client where there is
// one, because requests of one person depend on each other. Exact and bounded; no sketch, because a
// sketch's collisions would be outcomes nobody drew.

#include <cstdint>
#include <unordered_map>
#include <unordered_set>

namespace ecluse::judge {

class Clients {
 public:
  static constexpr std::size_t kSeenMax = 1 << 20;
  static constexpr std::size_t kErringMax = 65'536;

  enum class Draw { kFirstEver, kFirstOfStage, kRepeated, kUnknown };

  /// What a request of `client` is to the tests. kUnknown once the bound is reached: such a client
  /// is left out, whatever its outcome.
  Draw draw(std::uint64_t client, std::uint32_t stage);
  /// True for the first error of `client` on either arm; false too once the bound is reached.
  bool first_error(std::uint64_t client);
  /// Some erring client could not be told from a new one: nothing may be proven harmless any more.
  bool overflowed() const { return overflowed_; }

 private:
  std::unordered_map<std::uint64_t, std::uint32_t> stage_of_;
  std::unordered_set<std::uint64_t> erring_;
  bool overflowed_ = false;
};

}  // namespace ecluse::judge
