#include "runtime/process/instances.h"

#include <chrono>

namespace ecluse::runtime {

Instances::Turn::Turn(Instances& instances, std::string id)
    : instances_(instances), id_(std::move(id)) {
  // Whoever has the turn is bounded by its own deadlines, so waiting needs none.
  for (bool mine = false; !mine;) {
    instances_.busy_.when(
        std::chrono::hours(1), [&](const auto& busy) { return !busy.contains(id_); },
        [&](auto& busy) { mine = busy.insert(id_).second; });
  }
}

Instances::Turn::~Turn() {
  instances_.busy_.change([&](auto& busy) { busy.erase(id_); });
}

bool Instances::is_busy(const std::string& id) const {
  return busy_.with([&](const auto& busy) { return busy.contains(id); });
}

std::optional<StoredLaunch> Instances::find(const std::string& id) const {
  return known_.with([&](const auto& known) -> std::optional<StoredLaunch> {
    const auto found = known.find(id);
    if (found == known.end()) return std::nullopt;
    return found->second;
  });
}

std::vector<StoredLaunch> Instances::all() const {
  return known_.with([](const auto& known) {
    std::vector<StoredLaunch> list;
    for (const auto& [id, stored] : known) list.push_back(stored);
    return list;
  });
}

void Instances::put(StoredLaunch stored) {
  known_.with([&](auto& known) { known[stored.launch.id] = std::move(stored); });
}

void Instances::erase(const std::string& id) {
  known_.with([&](auto& known) { known.erase(id); });
}

}  // namespace ecluse::runtime
