#pragma once
// Which table and column of the file goes to which of the schema that the app's own migrations
// made. Nothing of the schema is guessed: what has no place is named.

#include <span>
#include <string>
#include <vector>

#include "ports/database_move.h"
#include "transfer/column.h"

namespace ecluse::transfer {

struct ColumnPair {
  std::size_t source = 0;  ///< index among the source table's columns
  std::size_t target = 0;
};

struct TablePair {
  SourceTable source;
  TargetTable target;
  std::vector<ColumnPair> columns;
  std::vector<std::string> lost;  ///< columns of the source that the target lacks
};

struct Matching {
  std::vector<TablePair> tables;
  std::vector<TargetTable> untouched;    ///< tables that the file does not have
  std::vector<std::string> bookkeeping;  ///< of migrations: the target's own stay
  std::vector<ports::Misfit> misfits;
  std::vector<std::string> notes;
};

/// Names match exactly, else without regard to case. `without`: TABLE or TABLE.COLUMN of the
/// source that stay behind.
Matching match(std::span<const SourceTable> source, std::span<const TargetTable> target,
               std::span<const std::string> without);

/// The table in which a migration tool remembers what it has done, or not.
bool is_bookkeeping(std::string_view table);

}  // namespace ecluse::transfer
