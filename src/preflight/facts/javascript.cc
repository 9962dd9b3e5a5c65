#include "preflight/facts/javascript.h"

#include "preflight/facts/code_reader.h"

namespace ecluse::preflight {

namespace {

std::string dotted(const Syntax& node, int depth = 0) {
  if (node.null() || depth > kValueDepthMax) return {};
  const auto type = node.type();
  if (type == "identifier" || type == "this" || type == "property_identifier" || type == "super")
    return std::string(node.text());
  if (type == "member_expression")
    return dotted(node.field(Field::kObject), depth + 1) + "." +
           std::string(node.field(Field::kProperty).text());
  if (type == "call_expression") return dotted(node.field(Field::kFunction), depth + 1) + "()";
  if (type == "subscript_expression") return dotted(node.field(Field::kObject), depth + 1) + "[]";
  if (type == "import") return "import";
  return "?";
}

void read_string(const Syntax& node, Value& value) {
  value.kind = ValueKind::kString;
  for (std::uint32_t i = 0; i < node.size(); ++i) {
    const auto part = node.child(i);
    if (part.type() == "template_substitution") {
      value.interpolated = true;
      value.text += "${}";
    } else {
      value.text += cut(part.text());
    }
  }
  if (node.type() == "template_string" && node.size() == 0 && node.text().size() >= 2)
    value.text = cut(node.text().substr(1, node.text().size() - 2));
  if (value.text.size() > kValueBytesMax) value.text.resize(kValueBytesMax);
}

Value value_of(const Syntax& node, int depth);

Item item_of(const Syntax& node, int depth) {
  if (node.type() != "pair") return {"", value_of(node, depth)};
  const auto key = node.field(Field::kKey);
  const auto name = key.type() == "string" ? value_of(key, depth).text : std::string(key.text());
  return {name, value_of(node.field(Field::kValue), depth)};
}

ValueKind kind_of(std::string_view type) {
  if (type == "number") return ValueKind::kNumber;
  if (type == "true" || type == "false") return ValueKind::kBoolean;
  if (type == "null" || type == "undefined") return ValueKind::kNone;
  if (type == "array") return ValueKind::kList;
  if (type == "object") return ValueKind::kMap;
  if (type == "identifier" || type == "member_expression") return ValueKind::kName;
  if (type == "call_expression" || type == "new_expression") return ValueKind::kCall;
  return ValueKind::kOther;
}

Value value_of(const Syntax& node, int depth) {
  Value value;
  if (node.null()) return value;
  value.place = node.place();
  if (node.type() == "string" || node.type() == "template_string") {
    read_string(node, value);
    return value;
  }
  value.kind = kind_of(node.type());
  value.text = cut(node.text());
  if (depth >= kValueDepthMax) return value;
  if (value.kind == ValueKind::kList || value.kind == ValueKind::kMap)
    read_items(node, depth, value, item_of);
  if (value.kind == ValueKind::kCall) {
    const bool made = node.type() == "new_expression";
    value.callee = dotted(node.field(made ? Field::kConstructor : Field::kFunction));
    read_items(node.field(Field::kArguments), depth, value, item_of);
  }
  return value;
}

bool is_function(std::string_view type) {
  return type == "function_declaration" || type == "method_definition" ||
         type == "arrow_function" || type == "function_expression" ||
         type == "generator_function" || type == "generator_function_declaration";
}

class JavaScriptReader final : public CodeReader {
 public:
  using CodeReader::CodeReader;

  void visit(const Syntax& node, const Scope& scope, int depth) override {
    if (!goes_on(depth)) return;
    const auto type = node.type();
    if (type == "comment" || type == "type_annotation") return;
    if (is_function(type)) return function(node, scope, depth);
    if (type == "if_statement") return branch(node, scope, depth);
    if (type == "try_statement") return attempt(node, scope, depth, "catch_clause");
    if (type == "import_statement") import(node, scope);
    if (type == "variable_declarator") declaration(node, scope);
    if (type == "public_field_definition")
      assign(node.field(Field::kName), node.field(Field::kValue), scope, node.place());
    if (type == "assignment_expression")
      assign(node.field(Field::kLeft), node.field(Field::kRight), scope, node.place());
    if (type == "call_expression" || type == "new_expression") call(node, scope);
    if (type == "binary_expression") comparison(node, scope);
    if (type == "member_expression" || type == "subscript_expression") read(node, scope);
    if (type == "throw_statement") raise(node, scope);
    children(node, scope, depth);
  }

 private:
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
    out_.imports.push_back({value_of(source, 0).text, {}, scope.guarded, node.place()});
  }

  void declaration(const Syntax& node, const Scope& scope) {
    const auto value = node.field(Field::kValue);
    if (value.null()) return;
    const auto name = node.field(Field::kName);
    if (value.text() == "process.env" && name.type() == "object_pattern") destructured(name, scope);
    assign(name, value, scope, node.place());
  }

  /// const {PORT, HOST = "x"} = process.env
  void destructured(const Syntax& pattern, const Scope& scope) {
    for (std::uint32_t i = 0; i < pattern.size(); ++i) {
      const auto part = pattern.child(i);
      EnvRead made;
      made.spelling = "process.env";
      made.scope = scope;
      made.place = part.place();
      if (part.type() == "object_assignment_pattern") {
        made.name = std::string(part.field(Field::kLeft).text());
        made.fallback = value_of(part.field(Field::kRight), 0);
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
    out_.assignments.push_back({without_quotes(left.text()), value_of(right, 0), scope, place});
  }

  void comparison(const Syntax& node, const Scope& scope) {
    const auto right = node.field(Field::kRight);
    if (right.type() != "string" || !node.field(Field::kOperator).text().starts_with("==")) return;
    compare(node.field(Field::kLeft), value_of(right, 0), scope, node.place());
  }

  void call(const Syntax& node, const Scope& scope) {
    Call made{value_of(node, 0), scope};
    const auto* first = made.value.at(0);
    if ((made.callee() == "require" || made.callee() == "import") && first &&
        first->kind == ValueKind::kString)
      out_.imports.push_back({first->text, {}, scope.guarded, node.place()});
    out_.calls.push_back(std::move(made));
  }

  void read(const Syntax& node, const Scope& scope) {
    const auto object = node.field(Field::kObject);
    const auto text = object.text();
    if (text != "process.env" && text != "import.meta.env") return;
    EnvRead made;
    if (node.type() == "member_expression")
      made.name = std::string(node.field(Field::kProperty).text());
    else
      made.name = value_of(node.field(Field::kIndex), 0).text;
    if (made.name.empty()) return;
    made.spelling = std::string(text);
    made.scope = scope;
    made.place = node.place();
    use(node, made);
    out_.reads.push_back(std::move(made));
  }

  static void use(const Syntax& node, EnvRead& made) {
    const auto parent = node.parent();
    if (parent.null()) return;
    const auto type = parent.type();
    if (type == "non_null_expression") made.required = true;
    if (type == "binary_expression" && parent.field(Field::kLeft).same_as(node)) {
      const auto operation = parent.field(Field::kOperator).text();
      if (operation == "||" || operation == "??")
        made.fallback = value_of(parent.field(Field::kRight), 0);
    }
    if (type == "member_expression") {
      made.used_by = std::string(parent.field(Field::kProperty).text());
      made.required = true;
    }
  }
};

}  // namespace

CodeFile read_javascript(std::string_view path, std::string_view source) {
  auto file = code_file(path, Language::kJavaScript);
  JavaScriptReader reader(file);
  read_tree(Grammar::kTsx, source, reader, file);
  return file;
}

}  // namespace ecluse::preflight
