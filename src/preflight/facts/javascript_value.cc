#include "preflight/facts/javascript_value.h"

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
  if (node.type() == "await_expression" && node.size() > 0) return value_of(node.child(0), depth);
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

}  // namespace

std::string javascript_name(const Syntax& node) {
  return dotted(node);
}

Value javascript_value(const Syntax& node) {
  return value_of(node, 0);
}

}  // namespace ecluse::preflight
