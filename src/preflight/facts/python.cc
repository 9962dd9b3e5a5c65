#include "preflight/facts/python.h"

#include <algorithm>
#include <array>
#include <map>
#include <utility>

#include "base/text.h"
#include "preflight/facts/code_reader.h"

namespace ecluse::preflight {

namespace {

/// "os.environ.get" of an attribute chain; of `f(x).y` it is "f().y".
std::string dotted(const Syntax& node, int depth = 0) {
  if (node.null() || depth > kValueDepthMax) return {};
  const auto type = node.type();
  if (type == "identifier") return std::string(node.text());
  if (type == "attribute")
    return dotted(node.field(Field::kObject), depth + 1) + "." +
           std::string(node.field(Field::kAttribute).text());
  if (type == "call") return dotted(node.field(Field::kFunction), depth + 1) + "()";
  if (type == "subscript") return dotted(node.field(Field::kValue), depth + 1) + "[]";
  return "?";
}

/// The content of a string node, without quotes; escapes stay as they are written.
void read_string(const Syntax& node, Value& value) {
  value.kind = ValueKind::kString;
  std::string_view start;
  for (std::uint32_t i = 0; i < node.size(); ++i) {
    const auto part = node.child(i);
    if (part.type() == "string_start") start = part.text();
    if (part.type() == "string_content") value.text += cut(part.text());
    if (part.type() == "interpolation") {
      value.interpolated = true;
      value.text += "{}";
    }
  }
  if (value.text.size() > kValueBytesMax) value.text.resize(kValueBytesMax);
}

Value value_of(const Syntax& node, int depth);

Item item_of(const Syntax& node, int depth) {
  if (node.type() == "pair")
    return {value_of(node.field(Field::kKey), depth).text,
            value_of(node.field(Field::kValue), depth)};
  if (node.type() == "keyword_argument")
    return {std::string(node.field(Field::kName).text()),
            value_of(node.field(Field::kValue), depth)};
  return {"", value_of(node, depth)};
}

ValueKind kind_of(std::string_view type) {
  if (type == "integer" || type == "float") return ValueKind::kNumber;
  if (type == "true" || type == "false") return ValueKind::kBoolean;
  if (type == "none") return ValueKind::kNone;
  if (type == "list" || type == "tuple" || type == "set") return ValueKind::kList;
  if (type == "dictionary") return ValueKind::kMap;
  if (type == "identifier" || type == "attribute") return ValueKind::kName;
  if (type == "call") return ValueKind::kCall;
  return ValueKind::kOther;
}

Value value_of(const Syntax& node, int depth) {
  Value value;
  if (node.null()) return value;
  value.place = node.place();
  const auto type = node.type();
  if (type == "string") {
    read_string(node, value);
    return value;
  }
  if (type == "concatenated_string") {
    for (std::uint32_t i = 0; i < node.size(); ++i) read_string(node.child(i), value);
    return value;
  }
  if (type == "parenthesized_expression" && node.size() == 1 && depth < kValueDepthMax)
    return value_of(node.child(0), depth + 1);
  value.kind = kind_of(type);
  value.text = cut(node.text());
  if (depth >= kValueDepthMax) return value;
  if (value.kind == ValueKind::kList || value.kind == ValueKind::kMap)
    read_items(node, depth, value, item_of);
  if (value.kind == ValueKind::kCall) {
    value.callee = dotted(node.field(Field::kFunction));
    read_items(node.field(Field::kArguments), depth, value, item_of);
  }
  return value;
}

/// Functions that read a variable by name: os.getenv("X"), config("X"), env.bool("X").
struct Reader {
  std::string_view callee;
  bool fails;  ///< without a default
};
constexpr std::array kReaders = {
    Reader{"os.environ.get", false}, Reader{"environ.get", false},  Reader{"os.getenv", false},
    Reader{"getenv", false},         Reader{"config", true},        Reader{"env", true},
    Reader{"env.str", true},         Reader{"env.bool", true},      Reader{"env.int", true},
    Reader{"env.float", true},       Reader{"env.list", true},      Reader{"env.tuple", true},
    Reader{"env.db", true},          Reader{"env.db_url", true},    Reader{"env.url", true},
    Reader{"env.cache", true},       Reader{"env.cache_url", true}, Reader{"env.json", true},
    Reader{"env.dict", true},        Reader{"env.path", true},      Reader{"os.environ.pop", true},
};

bool is_variable_name(std::string_view text) {
  return !text.empty() && text.size() < 80 &&
         std::ranges::all_of(text, [](unsigned char c) { return std::isalnum(c) || c == '_'; });
}

class PythonReader final : public CodeReader {
 public:
  using CodeReader::CodeReader;

  void visit(const Syntax& node, const Scope& scope, int depth) override {
    if (!goes_on(depth)) return;
    const auto type = node.type();
    if (type == "comment") return;
    if (type == "string") return interpolations(node, scope, depth);
    if (type == "function_definition" || type == "class_definition")
      return definition(node, scope, depth);
    if (type == "if_statement") return branch(node, scope, depth);
    if (type == "try_statement") return attempt(node, scope, depth, "except_clause");
    if (type == "import_statement" || type == "import_from_statement") return import(node, scope);
    if (type == "assignment" || type == "augmented_assignment") assignment(node, scope);
    if (type == "call") call(node, scope);
    if (type == "subscript") subscript(node, scope);
    if (type == "comparison_operator") comparison(node, scope);
    if (type == "raise_statement") raise(node, scope);
    if (type == "return_statement" && scope.handler) answers_failure(scope);
    children(node, scope, depth);
  }

  /// After the whole file was visited.
  void finish() {
    for (const auto index : asked_) {
      auto& reader = out_.readers[index];
      reader.required |= std::ranges::any_of(
          out_.raises, [&](const Raise& each) { return each.scope.function == reader.function; });
    }
  }

 private:
  void definition(const Syntax& node, const Scope& scope, int depth) {
    Definition made;
    made.name = std::string(node.field(Field::kName).text());
    made.type = node.type() == "class_definition";
    made.scope = scope;
    made.place = node.place();
    if (made.type) read_bases(node.field(Field::kSuperclasses), made);
    read_decorators(node, made);
    made.returned = last_return(node.field(Field::kBody));
    out_.definitions.push_back(made);
    Scope inner = scope;
    (made.type ? inner.type : inner.function) = made.name;
    inner.condition.clear();
    const bool outer = std::exchange(in_settings_, made.type && derives_from_settings(made));
    children(node.field(Field::kBody), inner, depth + 1);
    in_settings_ = outer;
    if (!node.field(Field::kParameters).null())
      children(node.field(Field::kParameters), scope, depth + 1);
  }

  /// `f"postgresql://{os.environ['DB_USER']}@db"`: what is put into a text is code.
  void interpolations(const Syntax& node, const Scope& scope, int depth) {
    for (std::uint32_t i = 0; i < node.size(); ++i)
      if (node.child(i).type() == "interpolation") children(node.child(i), scope, depth + 1);
  }

  static void read_bases(const Syntax& list, Definition& made) {
    if (list.null()) return;
    for (std::uint32_t i = 0; i < list.size(); ++i) made.bases.push_back(dotted(list.child(i)));
  }

  /// Of many typed classes few hold settings, or a group of them: the fields of the others are
  /// nobody's question.
  static bool derives_from_settings(const Definition& made) {
    return std::ranges::any_of(made.bases, [](const std::string& base) {
      return base.find("Settings") != std::string::npos || base.ends_with("Config") ||
             base.ends_with("BaseModel");
    });
  }

  static void read_decorators(const Syntax& node, Definition& made) {
    const auto parent = node.parent();
    if (parent.null() || parent.type() != "decorated_definition") return;
    for (std::uint32_t i = 0; i < parent.size(); ++i) {
      if (parent.child(i).type() != "decorator" || parent.child(i).size() == 0) continue;
      made.decorators.push_back(value_of(parent.child(i).child(0), 1));
    }
  }

  void answers_failure(const Scope& scope) {
    const auto made = std::ranges::find(out_.definitions.rbegin(), out_.definitions.rend(),
                                        scope.function, &Definition::name);
    if (made != out_.definitions.rend()) made->handles = true;
  }

  static std::string last_return(const Syntax& body) {
    std::string text;
    if (body.null()) return text;
    for (std::uint32_t i = 0; i < body.size(); ++i) {
      if (body.child(i).type() == "return_statement") text = cut(body.child(i).text());
    }
    return text;
  }

  void branch(const Syntax& node, const Scope& scope, int depth) {
    const auto condition = node.field(Field::kCondition);
    visit(condition, scope, depth + 1);
    Scope inner = scope;
    inner.condition = cut(condition.text());
    inner.main_guard |= inner.condition.find("__main__") != std::string::npos;
    visit(node.field(Field::kConsequence), inner, depth + 1);
    for (std::uint32_t i = 0; i < node.size(); ++i) {
      const auto part = node.child(i);
      Scope other = scope;
      if (part.type() == "elif_clause") {
        visit(part.field(Field::kCondition), scope, depth + 1);
        other.condition = cut(part.field(Field::kCondition).text());
        visit(part.field(Field::kConsequence), other, depth + 1);
      } else if (part.type() == "else_clause") {
        other.condition = "not (" + inner.condition + ")";
        visit(part, other, depth + 1);
      }
    }
  }

  void import(const Syntax& node, const Scope& scope) {
    if (node.type() == "import_from_statement") {
      Import made{
          std::string(node.field(Field::kModuleName).text()), {}, scope.guarded, node.place()};
      for (std::uint32_t i = 1; i < node.size(); ++i) {
        const auto name = node.child(i);
        const bool renamed = name.type() == "aliased_import";
        made.names.emplace_back(renamed ? name.field(Field::kName).text() : name.text());
        if (renamed && aliases_.size() < kAliasesMax)
          aliases_.emplace(name.field(Field::kAlias).text(), name.field(Field::kName).text());
      }
      out_.imports.push_back(std::move(made));
      return;
    }
    for (std::uint32_t i = 0; i < node.size(); ++i) {
      const auto name = node.child(i);
      const auto module = name.type() == "aliased_import" ? name.field(Field::kName) : name;
      out_.imports.push_back({std::string(module.text()), {}, scope.guarded, node.place()});
    }
  }

  void assignment(const Syntax& node, const Scope& scope) {
    const auto right = node.field(Field::kRight);
    if (in_settings_) field(node, right, scope);
    if (right.null()) return;
    out_.assignments.push_back(
        {without_quotes(node.field(Field::kLeft).text()), value_of(right, 0), scope, node.place()});
  }

  void field(const Syntax& node, const Syntax& right, const Scope& scope) {
    for (const auto& part : node.children()) {
      if (part.type() != "type") continue;
      TypedField made{scope.type,
                      without_quotes(node.field(Field::kLeft).text()),
                      cut(part.text()),
                      {},
                      node.place()};
      if (!right.null()) made.value = value_of(right, 0);
      out_.fields.push_back(std::move(made));
    }
  }

  void comparison(const Syntax& node, const Scope& scope) {
    if (node.size() != 2) return;
    const auto left = node.child(0);
    const auto right = node.child(1);
    const auto between =
        std::string_view(left.text().data() + left.text().size(), right.text().data());
    if (right.type() != "string" || between.find("==") == std::string_view::npos) return;
    compare(left, value_of(right, 0), scope, node.place());
  }

  /// `from os import getenv as read`: what a name stands for.
  std::string original(const std::string& callee) const {
    const auto dot = callee.find('.');
    const auto known = aliases_.find(callee.substr(0, dot));
    if (known == aliases_.end()) return callee;
    return known->second + (dot == std::string::npos ? "" : callee.substr(dot));
  }

  void call(const Syntax& node, const Scope& scope) {
    Call made{value_of(node, 0), scope};
    const auto reader = std::ranges::find(kReaders, original(made.callee()), &Reader::callee);
    if (reader != kReaders.end()) read(node, made.value, *reader, scope);
    out_.calls.push_back(std::move(made));
  }

  void read(const Syntax& node, const Value& value, const Reader& reader, const Scope& scope) {
    EnvRead made;
    const auto* name = value.at(0);
    if (name && name->kind == ValueKind::kString && !name->interpolated) made.name = name->text;
    if (!name && reader.callee.starts_with("env.db")) made.name = "DATABASE_URL";
    if (!name && reader.callee.starts_with("env.cache")) made.name = "CACHE_URL";
    if (name && name->kind == ValueKind::kName)
      return reader_of_its_own(node, value, reader, scope);
    if (!is_variable_name(made.name)) return;
    const auto* fallback = value.find("default") ? value.find("default") : value.at(1);
    if (fallback) made.fallback = *fallback;
    if (!fallback) otherwise(node, made);
    made.spelling = std::string(reader.callee);
    made.required = reader.fails && !fallback;
    made.place = node.place();
    made.scope = scope;
    use(node, made);
    out_.reads.push_back(std::move(made));
  }

  /// `os.environ.get("KEY") or "a literal"`
  static void otherwise(const Syntax& node, EnvRead& made) {
    const auto parent = node.parent();
    if (parent.null() || parent.type() != "boolean_operator" ||
        !parent.field(Field::kLeft).same_as(node))
      return;
    const auto right = parent.field(Field::kRight);
    if (parent.field(Field::kOperator).text() == "or" && right.type() == "string")
      made.fallback = value_of(right, 0);
  }

  /// The name is a parameter: whoever calls this function reads a variable.
  void reader_of_its_own(const Syntax& node, const Value& value, const Reader& reader,
                         const Scope& scope) {
    if (scope.function.empty()) return;
    const auto* fallback = value.find("default") ? value.find("default") : value.at(1);
    EnvRead use_of_it;
    use(node, use_of_it);
    EnvReader made{scope.function, reader.fails && !fallback, use_of_it.separator};
    // "" is no value: the function that gives it and raises does so because it is missing.
    const bool empty =
        !fallback || (fallback->kind == ValueKind::kString && fallback->text.empty());
    if (empty) asked_.push_back(out_.readers.size());
    out_.readers.push_back(std::move(made));
  }

  /// `getenv("X").split(",")`: a variable that is absent fails here, though getenv() does not.
  static void use(const Syntax& node, EnvRead& made) {
    const auto parent = node.parent();
    if (parent.null() || parent.type() != "attribute") return;
    made.used_by = std::string(parent.field(Field::kAttribute).text());
    made.required |= !made.fallback;
    const auto called = parent.parent();
    if (called.null() || called.type() != "call") return;
    const auto value = value_of(called, 0);
    if (const auto* separator = value.at(0)) made.separator = separator->text;
  }

  void subscript(const Syntax& node, const Scope& scope) {
    const auto object = dotted(node.field(Field::kValue));
    if (object != "os.environ" && object != "environ") return;
    const auto parent = node.parent();
    if (parent.type() == "assignment" && parent.field(Field::kLeft).same_as(node))
      return;  // it is set
    const auto key = value_of(node.field(Field::kSubscript), 0);
    if (key.kind == ValueKind::kName && !scope.function.empty())
      out_.readers.push_back({scope.function, true, {}});
    if (key.kind != ValueKind::kString || !is_variable_name(key.text)) return;
    EnvRead made{.name = key.text,
                 .required = !scope.guarded,
                 .fallback = {},
                 .spelling = "os.environ[]",
                 .used_by = {},
                 .separator = {},
                 .scope = scope,
                 .place = node.place()};
    use(node, made);
    out_.reads.push_back(std::move(made));
  }

  static constexpr std::size_t kAliasesMax = 256;

  bool in_settings_ = false;  ///< directly in the body of a class of settings
  std::map<std::string, std::string, std::less<>> aliases_;  ///< of names that are imported
  std::vector<std::size_t> asked_;                           ///< readers that may get nothing
};

/// The text after `word ` at the start of `line`, or nothing.
std::string_view after_word(std::string_view line, std::string_view word) {
  if (!line.starts_with(word)) return {};
  return trim(line.substr(word.size()));
}

std::string first_name(std::string_view text) {
  return std::string(text.substr(0, text.find_first_of(" \t,;#(")));
}

/// Flips for each triple quote on the line.
bool inside_string_after(std::string_view line, bool inside) {
  for (std::size_t i = 0; i + 2 < line.size(); ++i) {
    const auto three = line.substr(i, 3);
    if (three != "\"\"\"" && three != "'''") continue;
    inside = !inside;
    i += 2;
  }
  return inside;
}

}  // namespace

CodeFile read_python(std::string_view path, std::string_view source) {
  auto file = code_file(path, Language::kPython);
  PythonReader reader(file);
  read_tree(Grammar::kPython, source, reader, file);
  reader.finish();
  return file;
}

std::vector<Import> python_imports(std::string_view source) {
  std::vector<Import> found;
  bool inside = false;
  int number = 0;
  for (std::size_t begin = 0; begin < source.size();) {
    const auto end = std::min(source.find('\n', begin), source.size());
    const auto line = source.substr(begin, end - begin);
    begin = end + 1;
    ++number;
    const auto bare = inside ? std::string_view{} : trim(line);
    const bool indented = !line.empty() && (line[0] == ' ' || line[0] == '\t');
    inside = inside_string_after(line, inside);
    if (const auto rest = after_word(bare, "from "); !rest.empty()) {
      if (rest.find(" import") == std::string_view::npos) continue;
      found.push_back({first_name(rest), {}, indented, {number, 1}});
    } else if (const auto names = after_word(bare, "import "); !names.empty()) {
      for (const auto& name : split(names.substr(0, names.find_first_of("#;(")), ','))
        found.push_back({first_name(trim(name)), {}, indented, {number, 1}});
    }
  }
  return found;
}

}  // namespace ecluse::preflight
