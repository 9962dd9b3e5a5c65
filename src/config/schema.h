#pragma once
// What a value of ecluse.yml may be, as plain data. The parser's shapes carry it; the JSON Schema,
// the guide's tables and "it belongs under ..." hints are read from it.

#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace ecluse::config {

enum class SchemaKind { kText, kWhole, kDecimal, kBoolean, kList, kMap, kRecord, kAnyOf };

struct Schema;
using SchemaPtr = std::shared_ptr<const Schema>;

struct SchemaKey {
  std::string name;
  SchemaPtr value;
  std::string meaning;
  std::string default_text;  ///< as YAML in one line; empty: absent
  std::string later;         ///< what its engine will do; empty: available
  bool required = false;
};

struct Schema {
  SchemaKind kind = SchemaKind::kText;
  std::string name;                      ///< of a record that is used in several places
  std::string expected;                  ///< in words: "a duration, as 90s or 5m"
  std::string pattern;                   ///< of a text
  std::vector<std::string> words;        ///< the only texts allowed
  std::vector<std::string> words_later;  ///< those of them that nothing serves yet
  std::optional<double> min;
  std::optional<double> max;
  SchemaPtr item;               ///< of a list, or the values of a map
  std::string key_pattern;      ///< of a map
  std::vector<SchemaKey> keys;  ///< of a record
  std::vector<SchemaPtr> any_of;
  bool complete = false;  ///< a record whose required keys must all stand in the same place
  bool may_be_empty = false;
};

/// JSON Schema 2020-12 of ecluse.yml, as text with a line feed at its end.
std::string json_schema();

}  // namespace ecluse::config
