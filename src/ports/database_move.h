#pragma once
// Moving an application's SQLite file into its PostgreSQL service: what is asked, what came of it.

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace ecluse::ports {

struct MoveOrder {
  std::string source;  ///< absolute path of the SQLite file, on the daemon's machine
  std::string actor;   ///< "anna (uid 1000)": the file must be theirs; root may name any
  std::string url;     ///< of the PostgreSQL database; holds its password
  bool dry_run = false;
  bool replace = false;              ///< what the target holds may be lost
  bool drop_nul = false;             ///< NUL characters in text are left out
  std::vector<std::string> without;  ///< TABLE or TABLE.COLUMN of the file that stay behind
};

/// Something in the file that has no place in the target.
struct Misfit {
  std::string table;
  std::string key;     ///< "id=12" of the row; empty: the whole table or column
  std::string column;  ///< may be empty
  std::string what;
  std::string fix;
};

struct MovedTable {
  std::string table;
  std::uint64_t rows = 0;
  std::string digest;          ///< of its rows, the same on both sides
  std::uint64_t replaced = 0;  ///< rows that the target held before
};

struct MoveReport {
  bool moved = false;    ///< committed; false after a dry run and when anything does not fit
  bool dry_run = false;  ///< everything was tried in temporary tables
  std::vector<MovedTable> tables;
  std::vector<Misfit> misfits;  ///< at most 100
  std::uint64_t misfits_total = 0;
  std::vector<std::string> notes;
};

}  // namespace ecluse::ports
