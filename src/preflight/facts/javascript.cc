#include "preflight/facts/javascript.h"

#include <algorithm>
#include <cctype>

#include "preflight/facts/code_reader.h"
#include "preflight/facts/env_schema.h"
#include "preflight/facts/javascript_value.h"

namespace ecluse::preflight {

namespace {

bool is_function(std::string_view type) {
  return type == "function_declaration" || type == "method_definition" ||
         type == "arrow_function" || type == "function_expression" ||
         type == "generator_function" || type == "generator_function_declaration";
}

class JavaScriptReader final : public CodeReader {
 public:
  explicit JavaScriptReader(CodeFile& out) : CodeReader(out), schemas_(out, env_) {}

  void visit(const Syntax& node, const Scope& scope, int depth) override {
    if (!goes_on(depth)) return;
    const auto type = node.type();
    if (type == "comment" || type == "type_annotation") return;
    if (is_function(type)) return function(node, scope, depth);
    if (type == "if_statement") return branch(node, scope, depth);
    if (type == "try_statement") return attempt(node, scope, depth, "catch_clause");
    if (type == "import_statement") import(node, scope);
    if (type == "variable_declarator") declaration(node, scope);
    if (type == "export_statement") exported(node, scope);
    if (type == "public_field_definition")
      assign(node.field(Field::kName), node.field(Field::kValue), scope, node.place());
    if (type == "assignment_expression")
      assign(node.field(Field::kLeft), node.field(Field::kRight), scope, node.place());
    if (type == "call_expression" || type == "new_expression") call(node, scope);
    if (type == "binary_expression") comparison(node, scope);
    if (type == "member_expression" || type == "subscript_expression") read(node, scope);
    if (type == "throw_statement") raise(node, scope);
    if (type == "object") schemas_.object(node, scope);
    children(node, scope, depth);
  }

  /// After the whole file was visited.
  void finish() {
    schemas_.finish();
    for (auto& reader : out_.readers)
      reader.required = std::ranges::any_of(
          out_.raises, [&](const Raise& each) { return each.scope.function == reader.function; });
    demand_what_ends_it();
  }

 private:
  /// `if (!process.env.REGION) throw new Error()`, or exit, when the module is loaded.
  void demand_what_ends_it() {
    std::vector<std::string_view> conditions;
    const auto take = [&](const Scope& scope) {
      const bool asks = scope.function.empty() && scope.condition.find('!') != std::string::npos;
      if (asks && conditions.size() < kItemsMax) conditions.push_back(scope.condition);
    };
    for (const auto& each : out_.raises) take(each.scope);
    for (const auto& call : out_.calls)
      if (call.callee() == "process.exit") take(call.scope);
    if (conditions.empty()) return;
    for (auto& read : out_.reads)
      if (!read.fallback && !read.required) read.required = is_asked(read, conditions);
  }

  bool is_asked(const EnvRead& read, const std::vector<std::string_view>& conditions) const {
    std::vector<std::string> names{read.spelling + "." + read.name};
    for (const auto& each : out_.assignments)
      if (each.value.place == read.place) names.push_back(each.target);
    return std::ranges::any_of(conditions, [&](std::string_view condition) {
      return std::ranges::any_of(
          names, [&](const std::string& name) { return is_negated(condition, name); });
    });
  }

  static bool is_negated(std::string_view condition, const std::string& name) {
    const auto at = condition.find("!" + name);
    if (at == std::string_view::npos || condition.starts_with("not ")) return false;
    const auto end = at + 1 + name.size();
    return end >= condition.size() || (!std::isalnum(static_cast<unsigned char>(condition[end])) &&
                                       condition[end] != '_' && condition[end] != '.');
  }

  void function(const Syntax& node, const Scope& scope, int depth) {
    Scope inner = scope;
    inner.function = std::string(node.field(Field::kName).text());
    if (inner.function.empty()) inner.function = name_of_arrow(node);
    inner.condition.clear();
    out_.definitions.push_back({.name = inner.function,
                                .bases = {},
                                .decorators = {},
                                .type = false,
                                .returned = {},
                                .handles = false,
                                .scope = scope,
                                .place = node.place()});
    children(node, inner, depth);
  }

  /// `const health = () => ...` is called health; another one "=>".
  static std::string name_of_arrow(const Syntax& node) {
    const auto parent = node.parent();
    if (!parent.null() && parent.type() == "variable_declarator")
      return std::string(parent.field(Field::kName).text());
    return "=>";
  }

  void branch(const Syntax& node, const Scope& scope, int depth) {
    visit(node.field(Field::kCondition), scope, depth + 1);
    Scope inner = scope;
    inner.condition = cut(node.field(Field::kCondition).text());
    visit(node.field(Field::kConsequence), inner, depth + 1);
    const auto other = node.field(Field::kAlternative);
    if (other.null()) return;
    inner.condition = "not (" + inner.condition + ")";
    visit(other, inner, depth + 1);
  }

  void import(const Syntax& node, const Scope& scope) {
    const auto source = node.field(Field::kSource);
    if (source.null()) return;
    auto module = javascript_value(source).text;
    if ((module == "process" || module == "node:process") &&
        node.text().find("env") != std::string_view::npos)
      env_.add("env");
    out_.imports.push_back({std::move(module), {}, scope.guarded, node.place()});
  }

  /// `export default {secret: ..., port: 3000}`
  void exported(const Syntax& node, const Scope& scope) {
    const auto value = node.field(Field::kValue);
    if (!value.null() && value.type() == "object")
      out_.assignments.push_back({"default", javascript_value(value), scope, node.place()});
  }

  void declaration(const Syntax& node, const Scope& scope) {
    const auto value = node.field(Field::kValue);
    if (value.null()) return;
    const auto name = node.field(Field::kName);
    if (name.type() == "object_pattern")
      destructured(name, value.text(), scope);
    else if (env_.is(value.text()) || is_copy_of_env(value))
      env_.add(name.text());
    assign(name, value, scope, node.place());
  }

  /// `{...process.env}`
  bool is_copy_of_env(const Syntax& value) const {
    if (value.type() != "object" || value.size() == 0) return false;
    const auto first = value.child(0);
    return first.type() == "spread_element" && first.size() > 0 && env_.is(first.child(0).text());
  }

  void destructured(const Syntax& pattern, std::string_view value, const Scope& scope) {
    if (env_.is(value)) return variables_of(pattern, scope);
    if (value != "process") return;
    for (const auto& part : pattern.children()) {
      if (part.text() == "env") env_.add("env");
      const bool env = part.type() == "pair_pattern" && part.field(Field::kKey).text() == "env";
      const auto inner = env ? part.field(Field::kValue) : part;
      if (env && inner.type() == "object_pattern") variables_of(inner, scope);
      if (env && inner.type() == "identifier") env_.add(inner.text());
    }
  }

  /// const {PORT, HOST = "x"} = process.env
  void variables_of(const Syntax& pattern, const Scope& scope) {
    for (std::uint32_t i = 0; i < pattern.size(); ++i) {
      const auto part = pattern.child(i);
      if (part.type() == "rest_pattern" || part.type() == "comment") continue;
      EnvRead made;
      made.spelling = "process.env";
      made.scope = scope;
      made.place = part.place();
      if (part.type() == "object_assignment_pattern") {
        made.name = std::string(part.field(Field::kLeft).text());
        made.fallback = javascript_value(part.field(Field::kRight));
      } else if (part.type() == "pair_pattern") {
        made.name = std::string(part.field(Field::kKey).text());
      } else {
        made.name = std::string(part.text());
      }
      out_.reads.push_back(std::move(made));
    }
  }

  void assign(const Syntax& left, const Syntax& right, const Scope& scope, Place place) {
    if (left.null() || right.null() || is_function(right.type())) return;
    out_.assignments.push_back(
        {without_quotes(left.text()), javascript_value(right), scope, place});
  }

  void comparison(const Syntax& node, const Scope& scope) {
    const auto right = node.field(Field::kRight);
    if (right.type() != "string" || !node.field(Field::kOperator).text().starts_with("==")) return;
    compare(node.field(Field::kLeft), javascript_value(right), scope, node.place());
  }

  void call(const Syntax& node, const Scope& scope) {
    Call made{javascript_value(node), scope};
    const auto* first = made.value.at(0);
    if ((made.callee() == "require" || made.callee() == "import") && first &&
        first->kind == ValueKind::kString)
      out_.imports.push_back({first->text, {}, scope.guarded, node.place()});
    if (node.type() == "call_expression") schemas_.call(node, scope);
    out_.calls.push_back(std::move(made));
  }

  void read(const Syntax& node, const Scope& scope) {
    const auto object = node.field(Field::kObject);
    const auto text = object.text();
    if (!env_.is(text)) return;
    const auto index = node.field(Field::kIndex);
    if (!index.null() && index.type() == "identifier") return reader_of_its_own(scope);
    EnvRead made;
    if (node.type() == "member_expression")
      made.name = std::string(node.field(Field::kProperty).text());
    else
      made.name = javascript_value(index).text;
    const bool alias = text != "process.env" && text != "import.meta.env";
    if (made.name.empty() || (alias && !is_constant_name(made.name))) return;
    made.spelling = std::string(text);
    made.scope = scope;
    made.place = node.place();
    use(node, made);
    out_.reads.push_back(std::move(made));
  }

  /// `(key) => process.env[key]`: whoever calls it reads a variable. A function called `get` would
  /// be mistaken for every map's.
  void reader_of_its_own(const Scope& scope) {
    const auto& name = scope.function;
    const bool known =
        std::ranges::find(out_.readers, name, &EnvReader::function) != out_.readers.end();
    if (name.empty() || name == "=>" || name == "get" || known) return;
    out_.readers.push_back({name, false, {}});
  }

  static void use(const Syntax& node, EnvRead& made) {
    const auto parent = node.parent();
    if (parent.null()) return;
    const auto type = parent.type();
    if (type == "non_null_expression") made.required = true;
    if (type == "binary_expression" && parent.field(Field::kLeft).same_as(node)) {
      const auto operation = parent.field(Field::kOperator).text();
      if (operation == "||" || operation == "??")
        made.fallback = javascript_value(parent.field(Field::kRight));
    }
    if (type == "member_expression") {
      made.used_by = std::string(parent.field(Field::kProperty).text());
      made.required = true;
    }
  }

  EnvNames env_;
  EnvSchemaReader schemas_;
};

}  // namespace

CodeFile read_javascript(std::string_view path, std::string_view source) {
  auto file = code_file(path, Language::kJavaScript);
  JavaScriptReader reader(file);
  read_tree(Grammar::kTsx, source, reader, file);
  reader.finish();
  return file;
}

}  // namespace ecluse::preflight
