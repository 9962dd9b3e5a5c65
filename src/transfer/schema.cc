#include "transfer/schema.h"

#include <fmt/format.h>

#include <map>

namespace ecluse::transfer {

namespace {
constexpr const char* kTables = R"sql(
SELECT c.oid, c.relname, n.nspname
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind IN ('r', 'p') AND NOT c.relispartition AND pg_table_is_visible(c.oid)
  AND n.nspname NOT IN ('pg_catalog', 'information_schema') AND n.nspname NOT LIKE 'pg\_%'
ORDER BY c.relname)sql";

// A domain counts as its base type; its own checks are the server's to make.
constexpr const char* kColumns = R"sql(
SELECT a.attrelid, a.attname, coalesce(b.typname, t.typname),
  format_type(coalesce(b.oid, t.oid), CASE WHEN b.oid IS NULL THEN a.atttypmod ELSE t.typtypmod END),
  CASE WHEN b.oid IS NULL THEN a.atttypmod ELSE t.typtypmod END,
  a.attnotnull AND NOT a.atthasdef AND a.attidentity = '', a.attgenerated <> '',
  EXISTS (SELECT FROM pg_constraint k WHERE k.conrelid = a.attrelid AND k.contype = 'p' AND a.attnum = ANY (k.conkey)),
  EXISTS (SELECT FROM pg_constraint k WHERE k.conrelid = a.attrelid AND k.contype = 'f' AND a.attnum = ANY (k.conkey)),
  pg_get_serial_sequence(quote_ident(n.nspname) || '.' || quote_ident(c.relname), a.attname),
  coalesce(b.typtype, t.typtype), coalesce(b.oid, t.oid)
FROM pg_attribute a
JOIN pg_class c ON c.oid = a.attrelid JOIN pg_namespace n ON n.oid = c.relnamespace
JOIN pg_type t ON t.oid = a.atttypid LEFT JOIN pg_type b ON t.typtype = 'd' AND b.oid = t.typbasetype
WHERE a.attnum > 0 AND NOT a.attisdropped AND c.relkind IN ('r', 'p') AND pg_table_is_visible(c.oid)
  AND n.nspname NOT IN ('pg_catalog', 'information_schema') AND n.nspname NOT LIKE 'pg\_%'
ORDER BY a.attrelid, a.attnum)sql";

constexpr const char* kLabels =
    "SELECT enumtypid, enumlabel FROM pg_enum ORDER BY enumtypid, enumsortorder";

constexpr const char* kReferences =
    "SELECT conname, conrelid, confrelid, condeferrable FROM pg_constraint WHERE contype = 'f'";

/// What a type's modifier counts from.
constexpr int kHeader = 4;

const std::map<std::string, ColumnType>& plain_types() {
  static const std::map<std::string, ColumnType> types = {
      {"bool", {.kind = Kind::kBoolean, .name = {}}},
      {"int2", {.kind = Kind::kInteger, .name = {}, .bytes = 2}},
      {"int4", {.kind = Kind::kInteger, .name = {}, .bytes = 4}},
      {"int8", {.kind = Kind::kInteger, .name = {}}},
      {"float4", {.kind = Kind::kReal, .name = {}, .bytes = 4}},
      {"float8", {.kind = Kind::kReal, .name = {}}},
      {"numeric", {.kind = Kind::kNumeric, .name = {}}},
      {"text", {.kind = Kind::kText, .name = {}}},
      {"varchar", {.kind = Kind::kText, .name = {}}},
      {"citext", {.kind = Kind::kText, .name = {}}},
      {"bpchar", {.kind = Kind::kPadded, .name = {}}},
      {"bytea", {.kind = Kind::kBytes, .name = {}}},
      {"date", {.kind = Kind::kDate, .name = {}}},
      {"time", {.kind = Kind::kTime, .name = {}}},
      {"timestamp", {.kind = Kind::kTimestamp, .name = {}}},
      {"timestamptz", {.kind = Kind::kTimestampZone, .name = {}}},
      {"interval", {.kind = Kind::kInterval, .name = {}}},
      {"uuid", {.kind = Kind::kUuid, .name = {}}},
      {"json", {.kind = Kind::kJson, .name = {}}},
      {"jsonb", {.kind = Kind::kJsonb, .name = {}}},
      {"inet", {.kind = Kind::kInet, .name = {}}},
  };
  return types;
}

void apply_modifier(ColumnType& type, int modifier) {
  if (modifier < 0) return;
  switch (type.kind) {
    case Kind::kText:
    case Kind::kPadded:
      type.length = modifier - kHeader;
      break;
    case Kind::kNumeric:
      type.precision = ((modifier - kHeader) >> 16) & 0xFFFF;
      type.scale = (((modifier - kHeader) & 0x7FF) ^ 0x400) - 0x400;  // 11 bits with a sign
      break;
    case Kind::kTime:
    case Kind::kTimestamp:
    case Kind::kTimestampZone:
      type.fraction = modifier;
      break;
    default:
      break;
  }
}

using Labels = std::map<std::string, std::vector<std::string>>;

ColumnType type_of(const std::vector<Cell>& row, const Labels& labels) {
  ColumnType type;
  if (const auto found = plain_types().find(*row[2]); found != plain_types().end())
    type = found->second;
  if (*row[10] == "e") {
    type.kind = Kind::kEnum;
    if (const auto found = labels.find(*row[11]); found != labels.end())
      type.labels = found->second;
  }
  type.name = *row[3];
  apply_modifier(type, std::stoi(*row[4]));
  return type;
}

bool yes(const Cell& cell) {
  return cell == "t";
}

std::uint32_t oid_of(const Cell& cell) {
  return static_cast<std::uint32_t>(std::stoul(*cell));
}
}  // namespace

Result<TargetSchema> read_schema(Postgres& database) {
  TargetSchema schema;
  ECLUSE_ASSIGN(const auto tables, database.query(kTables));
  std::map<std::uint32_t, std::size_t> places;
  for (const auto& row : tables) {
    places[oid_of(row[0])] = schema.tables.size();
    schema.tables.push_back(
        {oid_of(row[0]), *row[1], identifier(*row[2]) + "." + identifier(*row[1]), {}});
  }
  ECLUSE_ASSIGN(const auto enums, database.query(kLabels));
  Labels labels;
  for (const auto& row : enums) labels[*row[0]].push_back(*row[1]);
  ECLUSE_ASSIGN(const auto columns, database.query(kColumns));
  for (const auto& row : columns) {
    const auto place = places.find(oid_of(row[0]));
    if (place == places.end()) continue;  // of a partition
    schema.tables[place->second].columns.push_back({.name = *row[1],
                                                    .type = type_of(row, labels),
                                                    .required = yes(row[5]),
                                                    .computed = yes(row[6]),
                                                    .key = yes(row[7]),
                                                    .reference = yes(row[8]),
                                                    .sequence = row[9].value_or("")});
  }
  ECLUSE_ASSIGN(const auto references, database.query(kReferences));
  for (const auto& row : references)
    schema.references.push_back({*row[0], oid_of(row[1]), oid_of(row[2]), yes(row[3])});
  return schema;
}

}  // namespace ecluse::transfer
