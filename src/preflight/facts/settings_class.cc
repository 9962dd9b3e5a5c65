#include "preflight/facts/settings_class.h"

#include <algorithm>
#include <map>
#include <set>

#include "base/text.h"
#include "preflight/facts/text_file.h"

namespace ecluse::preflight {

namespace {

constexpr int kBasesMax = 8;             ///< classes between a class of settings and BaseSettings
constexpr std::size_t kBasesAsked = 32;  ///< for an option of one class
constexpr int kGroupsDeep = 4;           ///< groups of settings inside of each other
constexpr std::size_t kFieldsMax = 20'000;  ///< looked at, those of a group for each of its uses

std::string_view last_name(std::string_view dotted) {
  return dotted.substr(dotted.rfind('.') + 1);
}

/// How the variables of a class are spelled.
struct Spelling {
  std::string prefix;
  std::string delimiter;  ///< between a group of settings and its fields; "" : it is given as JSON
  bool case_sensitive = false;

  std::string spelled(std::string name) const { return case_sensitive ? name : to_upper(name); }
};

struct SettingsClass {
  const CodeFile* file;
  const Definition* made;
  Spelling spelling;
};
/// By name: two classes of one name are taken for one, as an import would have to say which.
using SettingsClasses = std::map<std::string, SettingsClass, std::less<>>;

bool is_pydantic(const CodeFile& file) {
  return file.imports_module("pydantic_settings") || file.imports_module("pydantic");
}

bool derives(const CodeFile& file, const Definition& made, const SettingsClasses& known) {
  return std::ranges::any_of(made.bases, [&](const std::string& base) {
    const auto name = last_name(base);
    return (name == "BaseSettings" && is_pydantic(file)) || known.contains(name);
  });
}

SettingsClasses settings_classes(const std::vector<CodeFile>& files) {
  SettingsClasses known;
  for (int round = 0; round < kBasesMax; ++round) {
    const auto before = known.size();
    for (const auto& file : files)
      for (const auto& made : file.definitions)
        if (made.type && !file.test && derives(file, made, known))
          known.try_emplace(made.name, SettingsClass{&file, &made, {}});
    if (known.size() == before) break;
  }
  return known;
}

/// Does `assignment` stand in the `class Config:` of `of`, and not in another class's?
bool is_of_config(const Assignment& assignment, const SettingsClass& of) {
  if (assignment.scope.type != "Config") return false;
  const Definition* nearest = nullptr;
  for (const auto& made : of.file->definitions)
    if (made.name == "Config" && made.place.line < assignment.place.line) nearest = &made;
  return nearest && nearest->scope.type == of.made->name;
}

/// What `model_config = SettingsConfigDict(env_prefix=...)` or `class Config:` of one class says.
const Value* own_option(const SettingsClass& of, std::string_view name) {
  for (const auto& each : of.file->assignments) {
    if (each.scope.type == of.made->name && each.target == "model_config")
      return each.value.find(name);
    if (each.target == name && is_of_config(each, of)) return &each.value;
  }
  return nullptr;
}

/// Asks the class, then its bases, each once: they may be many, and derive from each other.
const Value* option(const SettingsClasses& known, std::string_view type, std::string_view name) {
  std::vector<std::string_view> asked{type};
  for (std::size_t next = 0; next < asked.size(); ++next) {
    const auto found = known.find(asked[next]);
    if (found == known.end()) continue;
    if (const auto* own = own_option(found->second, name)) return own;
    for (const auto& base : found->second.made->bases) {
      const auto each = last_name(base);
      if (asked.size() < kBasesAsked && std::ranges::find(asked, each) == asked.end())
        asked.push_back(each);
    }
  }
  return nullptr;
}

Spelling spelling_of(const SettingsClasses& known, std::string_view type) {
  const auto text = [&](std::string_view name) {
    const auto* said = option(known, type, name);
    return said && said->kind == ValueKind::kString ? said->text : std::string();
  };
  const auto* sensitive = option(known, type, "case_sensitive");
  return {text("env_prefix"), text("env_nested_delimiter"), sensitive && sensitive->text == "True"};
}

bool is_field_call(const Value& value) {
  return value.kind == ValueKind::kCall && ends_with_name(value.callee, "Field");
}

/// The name that Field() says: `alias="X"`, `validation_alias=AliasChoices("X", "Y")`, `env=["X"]`.
std::string said_name(const Value& field) {
  for (const auto* keyword : {"validation_alias", "alias", "env"}) {
    const auto* said = field.find(keyword);
    if (said && said->kind != ValueKind::kString) said = said->at(0);
    if (said && said->kind == ValueKind::kString) return said->text;
  }
  return {};
}

/// Of `Field("x")`, `Field(default="x")`, `Field(default_factory=make)`; null when it must be
/// given.
const Value* default_of(const TypedField& field) {
  if (!field.value || !is_field_call(*field.value)) return field.value ? &*field.value : nullptr;
  for (const auto* keyword : {"default", "default_factory"})
    if (const auto* said = field.value->find(keyword)) return said;
  const auto* first = field.value->at(0);
  return first && first->text != "..." ? first : nullptr;
}

std::string variable_of(const SettingsClasses& known, const TypedField& field) {
  if (field.value && is_field_call(*field.value))
    if (auto name = said_name(*field.value); !name.empty()) return to_upper(name);
  const auto& spelling = known.find(field.owner)->second.spelling;
  return spelling.spelled(spelling.prefix + field.name);
}

bool is_optional(std::string_view type) {
  return type.find("Optional[") != std::string_view::npos ||
         type.find("None") != std::string_view::npos;
}

/// Such a value is read as JSON.
bool is_collection(std::string_view type) {
  for (const std::string_view start :
       {"list", "List", "set", "Set", "tuple", "Tuple", "Sequence", "typing.List"})
    if (type.starts_with(start)) return true;
  return false;
}

bool is_plain_field(const TypedField& field) {
  return !field.name.starts_with('_') && field.name != "model_config" &&
         !field.type.starts_with("ClassVar");
}

/// The fields of each model of the project: as the type of a setting it is a group of settings.
using Models = std::map<std::string, std::vector<const TypedField*>, std::less<>>;

Models models_of(const std::vector<CodeFile>& files, const SettingsClasses& known) {
  Models models;
  for (const auto& file : files) {
    for (const auto& made : file.definitions)
      for (const auto& base : made.bases)
        if (last_name(base) == "BaseModel") models.try_emplace(made.name);
    for (const auto& field : file.fields)
      if (const auto model = models.find(field.owner); model != models.end())
        model->second.push_back(&field);
  }
  // A class of settings reads variables of its own, wherever it is a part of another one.
  for (const auto& [name, each] : known) models[name].clear();
  return models;
}

/// "TestSettings", "DevelopmentConfig": what runs elsewhere.
bool is_for_development(std::string_view type) {
  const auto lower = to_lower(type);
  return lower.starts_with("test") || lower.starts_with("dev") || lower.starts_with("local");
}

/// The fields that the code gives a value itself: "Shop.name" of `Shop(name=x)`.
std::set<std::string> given_fields(const std::vector<CodeFile>& files,
                                   const SettingsClasses& known) {
  std::set<std::string> given;
  for (const auto& file : files)
    for (const auto& call : file.calls) {
      const auto type = std::string(last_name(call.callee()));
      if (file.test || !known.contains(type)) continue;
      for (const auto& item : call.value.items)
        if (!item.key.empty()) given.insert(type + "." + item.key);
    }
  return given;
}

class FieldReader {
 public:
  FieldReader(const SettingsClasses& known, const std::vector<CodeFile>& files)
      : known_(known), models_(models_of(files, known)), given_(given_fields(files, known)) {}

  void read(const TypedField& field, std::vector<EnvRead>& reads) {
    const auto name = variable_of(known_, field);
    const bool given = given_.contains(field.owner + "." + field.name);
    const bool demanded = !given && !default_of(field) && !is_optional(field.type);
    read_as(name, field, demanded, known_.find(field.owner)->second.spelling, reads, 0);
  }

 private:
  void read_as(const std::string& name, const TypedField& field, bool demanded,
               const Spelling& spelling, std::vector<EnvRead>& reads, int depth) {
    if (++looked_at_ > kFieldsMax) return;
    const auto model = models_.find(last_name(field.type));
    if (model == models_.end()) {
      reads.push_back(made(name, field, demanded));
      return;
    }
    if (spelling.delimiter.empty() || depth >= kGroupsDeep) return;
    for (const auto* each : model->second)
      if (is_plain_field(*each))
        read_as(name + spelling.delimiter + spelling.spelled(each->name), *each,
                demanded && !default_of(*each) && !is_optional(each->type), spelling, reads,
                depth + 1);
  }

  static EnvRead made(const std::string& name, const TypedField& field, bool demanded) {
    EnvRead read;
    read.name = name;
    if (const auto* value = default_of(field)) read.fallback = *value;
    read.required = demanded;
    read.spelling = "BaseSettings";
    if (is_collection(field.type)) read.separator = kJsonSeparator;
    read.scope.type = field.owner;
    read.place = field.place;
    return read;
  }

  const SettingsClasses& known_;
  Models models_;
  std::set<std::string> given_;
  std::size_t looked_at_ = 0;
};

}  // namespace

void follow_settings(std::vector<CodeFile>& files) {
  auto known = settings_classes(files);
  if (known.empty()) return;
  for (auto& [name, each] : known) each.spelling = spelling_of(known, name);
  FieldReader reader(known, files);
  for (auto& file : files)
    for (const auto& field : file.fields)
      if (known.contains(field.owner) && !is_for_development(field.owner) && is_plain_field(field))
        reader.read(field, file.reads);
}

}  // namespace ecluse::preflight
