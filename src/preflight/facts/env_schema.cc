#include "preflight/facts/env_schema.h"

#include <algorithm>
#include <array>
#include <iterator>
#include <optional>

#include "preflight/facts/code_reader.h"
#include "preflight/facts/javascript_value.h"
#include "preflight/facts/text_file.h"

namespace ecluse::preflight {

namespace {

constexpr int kChainMax = 24;  ///< methods behind one another, and nodes around one another

bool is_one_of(std::string_view word, std::initializer_list<std::string_view> words) {
  return std::ranges::find(words, word) != words.end();
}

std::string key_of(const Syntax& pair) {
  return without_quotes(pair.field(Field::kKey).text());
}

std::string method_of(const Syntax& call) {
  const auto name = javascript_name(call.field(Field::kFunction));
  return name.substr(name.rfind('.') + 1);
}

/// What one method behind a field says of it: `.default("x")`, `.optional()`.
void take_method(std::string_view method, const Syntax& arguments, EnvRead& made, bool& optional) {
  if (is_one_of(method, {"default", "catch", "prefault"}) && arguments.size() > 0)
    made.fallback = javascript_value(arguments.child(0));
  optional |= is_one_of(method, {"optional", "nullish", "nullable", "notRequired"});
  made.required |= method == "required";
}

/// `z.string().url().optional()`, `Joi.number().default(1)`, `port({default: 3000})`.
void take_field(Syntax node, EnvRead& made) {
  bool optional = false;
  for (int i = 0; i < kChainMax && node.type() == "call_expression"; ++i) {
    const auto function = node.field(Field::kFunction);
    const auto arguments = node.field(Field::kArguments);
    if (arguments.size() > 0 && arguments.child(0).type() == "object") {
      const auto options = javascript_value(arguments.child(0));
      if (const auto* given = options.find("default")) made.fallback = *given;
    }
    take_method(function.field(Field::kProperty).text(), arguments, made, optional);
    node = function.field(Field::kObject);
  }
  // What is not called required is optional to these two, and demanded by all others.
  const auto library = to_lower(node.text());
  const bool lenient = library == "joi" || library == "yup";
  made.required = !made.fallback && !optional && (made.required || !lenient);
}

/// The variables that an object of fields names.
std::vector<EnvRead> fields_of(const Syntax& object, const std::string& spelling,
                               const Scope& scope) {
  std::vector<EnvRead> reads;
  for (const auto& pair : object.children()) {
    EnvRead made;
    made.name = pair.type() == "pair" ? key_of(pair) : std::string();
    if (!is_constant_name(made.name) || reads.size() >= kItemsMax) continue;
    made.spelling = spelling;
    made.scope = scope;
    made.place = pair.place();
    take_field(pair.field(Field::kValue), made);
    reads.push_back(std::move(made));
  }
  return reads;
}

/// Its first field has a variable's name: of all objects few do.
bool names_variables(const Syntax& object) {
  for (std::uint32_t i = 0; i < object.size(); ++i) {
    const auto child = object.child(i);
    if (child.type() != "comment") return child.type() == "pair" && is_constant_name(key_of(child));
  }
  return false;
}

/// The call that an object is an argument of, at once or as one of its options.
std::optional<Syntax> call_around(const Syntax& object) {
  const auto parent = object.parent();
  if (!parent.null() && parent.type() == "arguments") return parent.parent();
  const bool group = !parent.null() && parent.type() == "pair" &&
                     is_one_of(key_of(parent), {"server", "client", "shared"});
  if (!group) return std::nullopt;
  const auto arguments = parent.parent().parent();
  if (arguments.null() || arguments.type() != "arguments") return std::nullopt;
  return arguments.parent();
}

bool asks(std::string_view method) {
  return is_one_of(method, {"parse", "safeParse", "parseAsync", "validate", "validateSync",
                            "attempt", "assert", "cleanEnv", "createEnv"});
}

/// Where a schema comes to stand.
struct Holder {
  bool given = false;  ///< process.env, right there
  std::string name;    ///< else the variable that keeps it
};

Holder holder_of(Syntax node, const EnvNames& env) {
  for (int i = 0; i < kChainMax; ++i) {
    node = node.parent();
    if (node.null()) return {};
    const auto type = node.type();
    if (type == "call_expression" && asks(method_of(node)) &&
        env.within(node.field(Field::kArguments).text()))
      return {true, {}};
    if (type == "pair") return {key_of(node) == "validationSchema", {}};
    if (type == "variable_declarator") return {false, std::string(node.field(Field::kName).text())};
    if (type == "program" || type == "statement_block") return {};
  }
  return {};
}

constexpr std::array kReadingModules = {"env-var", "@nestjs/config"};

/// `env.get("PORT").required().asPortNumber()`
void take_chain(Syntax node, EnvRead& made) {
  bool optional = false;
  for (int i = 0; i < kChainMax; ++i) {
    const auto member = node.parent();
    if (member.null() || member.type() != "member_expression") return;
    node = member.parent();
    if (node.null() || node.type() != "call_expression") return;
    take_method(member.field(Field::kProperty).text(), node.field(Field::kArguments), made,
                optional);
  }
}

}  // namespace

void EnvSchemaReader::object(const Syntax& node, const Scope& scope) {
  if (!names_variables(node)) return;
  const auto call = call_around(node);
  if (!call) return;
  const auto method = method_of(*call);
  const bool direct = method == "cleanEnv" || method == "createEnv";
  if (!direct && !is_one_of(method, {"object", "keys", "strictObject", "looseObject"})) return;
  const auto holder = direct ? Holder{true, {}} : holder_of(*call, env_);
  if (!holder.given && holder.name.empty()) return;
  auto& reads = holder.given ? out_.reads : schemas_[holder.name];
  std::ranges::move(fields_of(node, method, scope), std::back_inserter(reads));
}

void EnvSchemaReader::call(const Syntax& node, const Scope& scope) {
  const auto callee = javascript_name(node.field(Field::kFunction));
  const auto method = std::string_view(callee).substr(callee.rfind('.') + 1);
  if (method == "get" || method == "getOrThrow") return get(node, callee, scope);
  if (!asks(method)) return;
  const auto arguments = node.field(Field::kArguments);
  if (!env_.within(arguments.text())) return;
  asked_.insert(callee.substr(0, callee.find('.')));
  for (const auto& each : arguments.children())
    if (each.type() == "identifier") asked_.emplace(each.text());
}

void EnvSchemaReader::get(const Syntax& node, const std::string& callee, const Scope& scope) {
  const bool known = std::ranges::any_of(
      kReadingModules, [&](const char* module) { return out_.imports_module(module); });
  const auto arguments = node.field(Field::kArguments);
  if (!known || arguments.size() == 0) return;
  const auto name = javascript_value(arguments.child(0));
  if (name.kind != ValueKind::kString || !is_constant_name(name.text)) return;
  EnvRead made;
  made.name = name.text;
  made.required = callee.ends_with("getOrThrow");
  made.spelling = callee;
  made.scope = scope;
  made.place = node.place();
  if (arguments.size() > 1 && arguments.child(1).type() != "object")
    made.fallback = javascript_value(arguments.child(1));
  take_chain(node, made);
  made.required &= !made.fallback;
  out_.reads.push_back(std::move(made));
}

void EnvSchemaReader::finish() {
  for (auto& [name, reads] : schemas_)
    if (asked_.contains(name)) std::ranges::move(reads, std::back_inserter(out_.reads));
}

}  // namespace ecluse::preflight
