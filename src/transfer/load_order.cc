#include "transfer/load_order.h"

#include <algorithm>
#include <set>

namespace ecluse::transfer {

namespace {
bool holds_back(const Reference& reference, const std::set<std::uint32_t>& open) {
  return reference.child != reference.parent && open.contains(reference.child) &&
         open.contains(reference.parent);
}
}  // namespace

LoadOrder load_order(std::span<const std::uint32_t> tables, std::span<const Reference> references) {
  LoadOrder order;
  std::set<std::uint32_t> open(tables.begin(), tables.end());
  while (!open.empty()) {
    const auto waits = [&](std::uint32_t table) {
      return std::ranges::any_of(references, [&](const Reference& reference) {
        return reference.child == table && holds_back(reference, open);
      });
    };
    const auto is_open = [&](std::uint32_t table) { return open.contains(table); };
    auto next = std::ranges::find_if(
        tables, [&](std::uint32_t table) { return is_open(table) && !waits(table); });
    if (next == tables.end()) {  // a circle: one of it goes first, its references are deferred
      next = std::ranges::find_if(tables, is_open);
      for (const auto& reference : references)
        if (reference.child == *next && !reference.deferrable && holds_back(reference, open))
          order.to_defer.push_back(reference);
    }
    open.erase(*next);
    order.tables.push_back(*next);
  }
  return order;
}

}  // namespace ecluse::transfer
