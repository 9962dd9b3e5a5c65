#pragma once
// What rules want to know of a source file in Python, JavaScript or TypeScript: calls, assignments,
// imports, variables read. Taken from its syntax tree, which is thrown away afterwards.

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "preflight/facts/place.h"

namespace ecluse::preflight {

enum class ValueKind { kString, kNumber, kBoolean, kNone, kList, kMap, kName, kCall, kOther };

struct Item;

/// An expression, as deep as kValueDepthMax. `text`: a string's content, else the source, cut to
/// kValueBytesMax.
struct Value {
  ValueKind kind = ValueKind::kOther;
  std::string text;
  std::string callee;         ///< of a call: "os.environ.get"
  bool interpolated = false;  ///< a string with substitutions: `text` is not the whole truth
  std::vector<Item> items;    ///< of a list, a map (keys as text), a call (keywords as keys)
  Place place;

  const Value* find(std::string_view key) const;
  /// The n-th positional argument of a call, or item of a list; null when absent.
  const Value* at(std::size_t n) const;
  bool is(ValueKind wanted, std::string_view wanted_text) const;
};

struct Item {
  std::string key;  ///< empty: positional
  Value value;
};

/// Where in the program a statement stands.
struct Scope {
  std::string function;     ///< innermost; empty: runs at import
  std::string type;         ///< innermost class
  std::string condition;    ///< source of the innermost `if`; "not (...)" in its else
  bool main_guard = false;  ///< below `if __name__ == "__main__"`
  bool guarded = false;     ///< inside try
  bool handler = false;     ///< inside except or catch
};

struct Call {
  Value value;
  Scope scope;
  const std::string& callee() const { return value.callee; }
};

struct Assignment {
  std::string target;  ///< "DEBUG", "app.config[SECRET_KEY]" as in the source, quotes removed
  Value value;
  Scope scope;
  Place place;
};

/// `password == "hunter2"`: a name against a literal text.
struct Comparison {
  std::string name;
  Value literal;
  Scope scope;
  Place place;
};

struct Import {
  std::string module;
  std::vector<std::string> names;
  bool guarded = false;
  Place place;
};

struct EnvRead {
  std::string name;
  bool required = false;  ///< reading fails, or its result is used at once
  std::optional<Value> fallback;
  std::string spelling;   ///< "os.environ[]", "config()", "process.env"
  std::string used_by;    ///< method called on the result: "split"
  std::string separator;  ///< what split() was given; kJsonSeparator where a JSON list is wanted
  Scope scope;
  Place place;
};
/// Of an EnvRead whose list is written `["a", "b"]`.
constexpr std::string_view kJsonSeparator = "[]";

/// A function of the project's own that reads the variable its first argument names:
/// `def required(name): return os.environ[name]`.
struct EnvReader {
  std::string function;
  bool required = false;
  std::string separator;  ///< what split() was given
};

struct Raise {
  Scope scope;
  Place place;
  std::string text;
};

struct Definition {
  std::string name;
  std::vector<std::string> bases;  ///< of a class
  std::vector<Value> decorators;
  bool type = false;     ///< a class
  std::string returned;  ///< source of its last return, cut
  bool handles = false;  ///< returns from inside an except
  Scope scope;
  Place place;
};

/// `database_url: str = "..."` in the body of a class that derives from one named for settings, or
/// from pydantic's BaseModel.
struct TypedField {
  std::string owner;  ///< the class
  std::string name;
  std::string type;            ///< as in the source: "Optional[str]"
  std::optional<Value> value;  ///< absent: nothing is assigned
  Place place;
};

enum class Language { kPython, kJavaScript };

struct CodeFile {
  std::string path;
  Language language = Language::kPython;
  std::vector<Call> calls;
  std::vector<Assignment> assignments;
  std::vector<Comparison> comparisons;
  std::vector<Import> imports;
  std::vector<EnvRead> reads;
  std::vector<EnvReader> readers;
  std::vector<TypedField> fields;
  std::vector<Raise> raises;
  std::vector<Definition> definitions;
  bool test = false;       ///< below tests/, or named so
  bool production = true;  ///< is_production_path(path), asked by many rules
  bool truncated = false;  ///< a bound of extraction was met: what is here is right, not complete

  bool imports_module(std::string_view module) const;
  const Assignment* find_assignment(std::string_view target) const;
};

constexpr std::size_t kValueBytesMax = 256;
constexpr int kValueDepthMax = 6;
constexpr std::size_t kItemsMax = 128;
constexpr int kTreeDepthMax = 250;
constexpr std::size_t kStatementsMax = 20'000;  ///< calls and assignments of one file

/// "DATABASE_URL": capitals, digits and "_" alone.
bool is_constant_name(std::string_view text);

/// Adds to `reads` of all files what they read through the `readers` of files of their language.
void follow_readers(std::vector<CodeFile>& files);

/// "tests/test_x.py", "conftest.py", "a.spec.ts": code that does not run in production.
bool is_test_path(std::string_view path);

/// "Dockerfile.bak", "archive/compose.yml", "app.py.old": kept by somebody, run by nobody.
bool is_set_aside(std::string_view path);

/// "notes/Dockerfile", "examples/shop/compose.yml": shown, not run. What is in docs/ is: projects
/// keep the compose file of their deployment there.
bool is_manual_path(std::string_view path);

/// "settings/dev.py", "docker-compose.local.yml", "Dockerfile.dev": not for production.
bool is_development_path(std::string_view path);

/// Source that runs in production: no test, no settings for development, no migration, no example.
bool is_production_path(std::string_view path);

/// Does the last part of `callee` ("a.b.connect") equal `name`, and if `name` has dots, the last
/// parts?
bool ends_with_name(std::string_view callee, std::string_view name);

}  // namespace ecluse::preflight
