#pragma once
// The two sides of a move, as plain values: what a SQLite file holds, and what a PostgreSQL schema
// takes.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace ecluse::transfer {

/// What SQLite keeps in one place: NULL, an integer, a real, text or bytes, whatever its column
/// says. Text may hold NUL characters and bytes that are not UTF-8.
struct Blob {
  std::string bytes;
  friend bool operator==(const Blob&, const Blob&) = default;
};
using SourceValue = std::variant<std::monostate, std::int64_t, double, std::string, Blob>;

enum class Kind {
  kBoolean,
  kInteger,  ///< smallint, integer, bigint: `bytes` says which
  kReal,     ///< real, double precision: `bytes`
  kNumeric,
  kText,    ///< text, varchar(n), citext, name
  kPadded,  ///< char(n): trailing blanks mean nothing
  kBytes,
  kDate,
  kTime,
  kTimestamp,      ///< without time zone
  kTimestampZone,  ///< with time zone; what names no zone in SQLite is UTC
  kInterval,
  kUuid,
  kJson,   ///< keeps its text
  kJsonb,  ///< keeps its meaning
  kInet,
  kEnum,
  kOther,  ///< a type that no SQLite value is converted to
};

struct ColumnType {
  Kind kind = Kind::kOther;
  std::string name;                   ///< as PostgreSQL writes it: "numeric(10,2)"
  int bytes = 8;                      ///< of an integer or a real
  std::optional<int> length;          ///< characters of varchar(n), char(n)
  std::optional<int> precision;       ///< digits of numeric(p, s)
  int scale = 0;                      ///< with precision
  int fraction = 6;                   ///< digits of a second that it keeps
  std::vector<std::string> labels{};  ///< of an enum
};

struct TargetColumn {
  std::string name;
  ColumnType type;
  bool required = false;   ///< NOT NULL, and nothing else gives it a value
  bool computed = false;   ///< GENERATED ALWAYS AS (...) STORED
  bool key = false;        ///< part of the primary key
  bool reference = false;  ///< part of a foreign key
  std::string sequence{};  ///< that gives it its next value, quoted; or empty
};

struct TargetTable {
  std::uint32_t oid = 0;
  std::string name;
  std::string quoted;  ///< with its schema: "public"."auth_user"
  std::vector<TargetColumn> columns;
};

/// `child` refers to `parent`.
struct Reference {
  std::string name;
  std::uint32_t child = 0;
  std::uint32_t parent = 0;
  bool deferrable = false;
};

struct SourceColumn {
  std::string name;
  bool key = false;
};

struct SourceTable {
  std::string name;
  std::vector<SourceColumn> columns;
  bool has_rowid = true;
  std::uint64_t rows = 0;
  std::optional<std::int64_t> high_water{};  ///< AUTOINCREMENT's: the largest id ever given
};

/// `name` as an identifier of both databases.
std::string identifier(std::string_view name);

}  // namespace ecluse::transfer
