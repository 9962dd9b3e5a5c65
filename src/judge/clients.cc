#include "judge/clients.h"

#include <algorithm>

namespace ecluse::judge {

namespace {
/// The finalizer of SplitMix64: which clients are followed must not depend on how well the caller's
/// hash spreads its low bits.
std::uint64_t mixed(std::uint64_t z) {
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
  z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
  return z ^ (z >> 31);
}
}  // namespace

bool Clients::is_followed(std::uint64_t client) const {
  return halvings_ == 0 || (mixed(client) & ((1ULL << halvings_) - 1)) == 0;
}

void Clients::follow_half() {
  halvings_ += 1;
  std::erase_if(stage_of_, [this](const auto& entry) { return !is_followed(entry.first); });
}

Draw Clients::draw(std::uint64_t client, std::uint32_t stage) {
  if (!is_followed(client)) return Draw::kUnsampled;
  const auto known = stage_of_.find(client);
  if (known == stage_of_.end()) {
    while (stage_of_.size() >= kSeenMax) follow_half();
    if (!is_followed(client)) return Draw::kUnsampled;
    stage_of_.emplace(client, stage);
    return Draw::kFirstEver;
  }
  if (known->second == stage) return Draw::kRepeated;
  known->second = stage;
  return Draw::kFirstOfStage;
}

bool Clients::first_error(std::uint64_t client) {
  if (erring_.contains(client)) return false;
  if (erring_.size() >= kErringMax) {
    overflowed_ = true;
    return false;
  }
  erring_.insert(client);
  return true;
}

Clients::Stored Clients::stored() const {
  Stored stored{.halvings = halvings_,
                .erring = {erring_.begin(), erring_.end()},
                .overflowed = overflowed_,
                .missed = missed_};
  for (const auto& [client, stage] : stage_of_) stored.seen.push_back({client, stage});
  std::ranges::sort(stored.seen, {}, &Seen::client);
  std::ranges::sort(stored.erring);
  return stored;
}

Result<Clients> Clients::restored(const Stored& stored) {
  if (stored.seen.size() > kSeenMax || stored.erring.size() > kErringMax || stored.halvings > 63) {
    return fail(ErrorKind::kInvalid, "more clients are stored than a judge remembers");
  }
  Clients clients;
  clients.halvings_ = stored.halvings;
  clients.overflowed_ = stored.overflowed;
  clients.missed_ = stored.missed;
  for (const Seen& seen : stored.seen) clients.stage_of_.emplace(seen.client, seen.stage);
  clients.erring_.insert(stored.erring.begin(), stored.erring.end());
  return clients;
}

}  // namespace ecluse::judge
