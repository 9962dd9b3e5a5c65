#pragma once
// One value on its way from SQLite to PostgreSQL: whether it fits the column, and the one spelling
// that both sides are compared by.

#include <optional>
#include <string>
#include <string_view>

#include "transfer/column.h"

namespace ecluse::transfer {

/// The text that PostgreSQL reads and, for most types, writes; nothing: NULL.
using Cell = std::optional<std::string>;

/// Why a value does not fit, and what would mend it: "holds a NUL character at 3".
struct Unfit {
  std::string what;
  std::string fix;
};

enum class NulCharacters {
  kRefuse,  ///< text that holds one does not fit
  kDrop,    ///< they are left out
};

/// The cell of `value` in a column of `type`. Exact or unfit: nothing is rounded, cut or guessed.
/// Dates without a zone are UTC; integers in a timestamp are milliseconds, as Prisma writes them,
/// where they cannot be seconds.
std::variant<Cell, Unfit> fit(const SourceValue& value, const ColumnType& type,
                              NulCharacters nuls = NulCharacters::kRefuse);

/// What PostgreSQL wrote for a value of `type` (ISO dates, UTC, hex bytes, shortest reals), in the
/// spelling of fit(): equal values are equal text.
std::string canonical(std::string text, const ColumnType& type);

}  // namespace ecluse::transfer
