#include "judge/clients.h"

namespace ecluse::judge {

Clients::Draw Clients::draw(std::uint64_t client, std::uint32_t stage) {
  const auto known = stage_of_.find(client);
  if (known == stage_of_.end()) {
    if (stage_of_.size() == kSeenMax) return Draw::kUnknown;
    stage_of_.emplace(client, stage);
    return Draw::kFirstEver;
  }
  if (known->second == stage) return Draw::kRepeated;
  known->second = stage;
  return Draw::kFirstOfStage;
}

bool Clients::first_error(std::uint64_t client) {
  if (erring_.contains(client)) return false;
  if (erring_.size() == kErringMax) {
    overflowed_ = true;
    return false;
  }
  erring_.insert(client);
  return true;
}

}  // namespace ecluse::judge
