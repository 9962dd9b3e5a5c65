#include "config/schema.h"

#include <nlohmann/json.hpp>

#include "config/table.h"

namespace ecluse::config {

namespace {

using Json = nlohmann::ordered_json;

/// Walks a schema once; records that have a name become definitions, written where first met.
class Translator {
 public:
  Json translate(const Schema& s) {
    switch (s.kind) {
      case SchemaKind::kText:
        return text(s);
      case SchemaKind::kWhole:
        return number(s, "integer");
      case SchemaKind::kDecimal:
        return number(s, "number");
      case SchemaKind::kBoolean:
        // Readers of YAML 1.2, as editors are, take yes and no for texts.
        return {{"enum", {true, false, "yes", "no"}}};
      case SchemaKind::kList:
        return {{"type", "array"}, {"items", translate(*s.item)}};
      case SchemaKind::kMap:
        return map(s);
      case SchemaKind::kRecord:
        return reference(s);
      case SchemaKind::kAnyOf:
        return any_of(s);
    }
    return {};
  }

  Json record(const Schema& s) {
    Json properties = Json::object();
    Json required = Json::array();
    for (const auto& key : s.keys) {
      properties[key.name] = property(key);
      if (key.required && s.complete) required.push_back(key.name);
    }
    Json out{{"type", s.may_be_empty ? Json({"object", "null"}) : Json("object")},
             {"properties", std::move(properties)},
             {"additionalProperties", false}};
    if (!required.empty()) out["required"] = std::move(required);
    return out;
  }

  Json take_definitions() { return std::move(definitions_); }

 private:
  Json text(const Schema& s) {
    if (!s.words.empty()) return {{"enum", s.words}};
    Json out{{"type", "string"}};
    if (!s.pattern.empty()) out["pattern"] = s.pattern;
    if (!s.may_be_empty) out["minLength"] = 1;
    return out;
  }

  Json number(const Schema& s, const char* type) {
    Json out{{"type", type}};
    if (s.min) out["minimum"] = *s.min;
    if (s.max) out["maximum"] = *s.max;
    return out;
  }

  Json map(const Schema& s) {
    return {{"type", "object"},
            {"propertyNames", {{"pattern", s.key_pattern}}},
            {"additionalProperties", translate(*s.item)}};
  }

  Json any_of(const Schema& s) {
    Json choices = Json::array();
    for (const auto& choice : s.any_of) choices.push_back(translate(*choice));
    return {{"anyOf", std::move(choices)}};
  }

  Json reference(const Schema& s) {
    std::string name = s.name;
    std::ranges::replace(name, ' ', '-');
    if (!definitions_.contains(name)) {
      definitions_[name] = nullptr;  // its place in the order, should it refer to itself
      definitions_[name] = record(s);
    }
    return {{"$ref", "#/$defs/" + name}};
  }

  Json property(const SchemaKey& key) {
    Json out = translate(*key.value);
    std::string description = key.meaning;
    if (!key.value->expected.empty()) description += " (" + key.value->expected + ")";
    if (!key.default_text.empty()) description += ". Default: " + key.default_text;
    if (!key.later.empty()) description += ". Not available yet: " + key.later;
    out["description"] = description;
    return out;
  }

  Json definitions_ = Json::object();
};

}  // namespace

std::string json_schema() {
  Translator translator;
  Json root = translator.record(*file_shape().schema);
  Json out{{"$schema", "https://json-schema.org/draft/2020-12/schema"}, {"title", "ecluse.yml"}};
  out.update(root);
  out["$defs"] = translator.take_definitions();
  return out.dump(2) + "\n";
}

}  // namespace ecluse::config
