#include "gateway/host_index.h"

#include <algorithm>
#include <functional>
#include <utility>

namespace ecluse::gateway {

namespace {
constexpr std::size_t kSlotsMin = 16;

std::size_t hash_of(std::string_view host) {
  return std::hash<std::string_view>()(host);
}

std::uint32_t tag_of(std::size_t hash) {
  return static_cast<std::uint32_t>(hash >> 32);
}
}  // namespace

std::size_t HostIndex::slot_of(std::string_view host, std::size_t hash) const {
  for (std::size_t at = hash;; ++at) {
    const Slot& slot = slots_[at & (slots_.size() - 1)];
    const bool is_it = slot.tag == tag_of(hash) && slot.length == host.size() &&
                       names_.compare(slot.begin, slot.length, host) == 0;
    if (slot.length == 0 || is_it) return at & (slots_.size() - 1);
  }
}

void HostIndex::add(std::string_view host, std::uint32_t number) {
  if (host.empty()) return;
  if ((used_ + 1) * 2 > slots_.size()) grow();
  const std::size_t hash = hash_of(host);
  Slot& slot = slots_[slot_of(host, hash)];
  if (slot.length != 0) return;
  slot = {.tag = tag_of(hash),
          .begin = static_cast<std::uint32_t>(names_.size()),
          .length = static_cast<std::uint32_t>(host.size()),
          .number = number};
  names_ += host;
  ++used_;
}

void HostIndex::grow() {
  const std::vector<Slot> former =
      std::exchange(slots_, std::vector<Slot>(std::max(kSlotsMin, slots_.size() * 2)));
  for (const Slot& slot : former) {
    if (slot.length == 0) continue;
    const std::string_view host = std::string_view(names_).substr(slot.begin, slot.length);
    slots_[slot_of(host, hash_of(host))] = slot;
  }
}

std::optional<std::uint32_t> HostIndex::find(std::string_view host) const {
  if (used_ == 0 || host.empty()) return std::nullopt;
  const Slot& slot = slots_[slot_of(host, hash_of(host))];
  return slot.length == 0 ? std::nullopt : std::optional(slot.number);
}

}  // namespace ecluse::gateway
