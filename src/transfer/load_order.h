#pragma once
// In which order tables are filled so that what a row refers to is there before it.

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "transfer/column.h"

namespace ecluse::transfer {

struct LoadOrder {
  std::vector<std::uint32_t> tables;  ///< parents first; emptied the other way round
  /// References that run against this order, because of a circle of tables, and that PostgreSQL
  /// would check at once: they must be made deferrable while the tables are filled.
  std::vector<Reference> to_defer;
};

/// References to and from other tables, and of a table to itself (one COPY is one statement), do
/// not matter. Tables of equal rank keep their order.
LoadOrder load_order(std::span<const std::uint32_t> tables, std::span<const Reference> references);

}  // namespace ecluse::transfer
