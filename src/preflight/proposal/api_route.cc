#include "preflight/proposal/api_route.h"

#include <algorithm>
#include <array>
#include <cctype>

#include "base/text.h"
#include "preflight/rules/rule.h"

namespace ecluse::preflight {

namespace {

/// "/tasks" of "/tasks/<int:id>"; "" of a root, a pattern or a parameter.
std::string first_part(std::string_view path) {
  if (path.starts_with('^')) path.remove_prefix(1);
  if (path.starts_with('/')) path.remove_prefix(1);
  const auto part = path.substr(0, path.find('/'));
  const bool plain = !part.empty() && std::ranges::all_of(part, [](unsigned char c) {
    return std::isalnum(c) || c == '-' || c == '_' || c == '.';
  });
  return plain ? "/" + std::string(part) : std::string();
}

/// What FastAPI answers besides, where nobody says otherwise.
constexpr std::array kFastapiPages = {"/docs", "/redoc", "/openapi.json"};
constexpr std::array kVerbs = {"get", "post", "put", "patch", "delete", "route", "all"};

bool is_verb_of(std::string_view callee, std::string_view object) {
  return std::ranges::any_of(
      kVerbs, [&](const char* verb) { return callee == std::string(object) + "." + verb; });
}

/// `api_router.include_router(tasks)`: below what `api_router` is mounted at.
bool is_nested(std::string_view callee) {
  const auto object = to_lower(callee.substr(0, callee.rfind('.')));
  return any_of_words(object, {"router", "blueprint", "bp"});
}

class ApiRoutes {
 public:
  ApiRoutes(const Repository& repository, const Part& part)
      : repository_(repository), part_(part) {}

  std::vector<Proven> find() {
    for (const auto& file : repository_.code) {
      if (is_below(file.path, part_.root) && is_production_code(file) && of_this_language(file))
        of_file(file);
    }
    if (open_) take_nested();
    if (part_.framework == Framework::kDjango && !found_.empty())
      add(found_, "/static", {part_.command.why.path, {}, "Django"});
    if (part_.framework == Framework::kFastapi && !found_.empty())
      for (const auto* page : kFastapiPages)
        add(found_, page, {part_.command.why.path, {}, "FastAPI"});
    return std::move(found_);
  }

 private:
  bool of_this_language(const CodeFile& file) const {
    return (file.language == Language::kJavaScript) == (part_.build.kind == "node");
  }

  void of_file(const CodeFile& file) {
    for (const auto& call : file.calls) of_call(file, call);
    for (const auto& made : file.definitions)
      for (const auto& decorator : made.decorators) of_verb(file, decorator, decorator.callee);
  }

  void of_call(const CodeFile& file, const Call& call) {
    const auto& value = call.value;
    const auto& callee = call.callee();
    if (ends_with_name(callee, "include_router") || ends_with_name(callee, "register_blueprint"))
      return of_router(file, value, callee);
    if (ends_with_name(callee, "APIRouter") || ends_with_name(callee, "Blueprint"))
      return add(nested_, first_part(text_of(prefix_of(value))), seen(file, value));
    if (callee == "app.use" && value.at(1)) return of_use(file, value);
    if (is_django_urls(file) &&
        (ends_with_name(callee, "path") || ends_with_name(callee, "re_path")))
      return add(found_, first_part(text_of(value.at(0))), seen(file, value));
    if (file.language == Language::kJavaScript) of_verb(file, value, callee);
  }

  void of_router(const CodeFile& file, const Value& value, const std::string& callee) {
    const auto* prefix = prefix_of(value);
    if (is_nested(callee)) return add(nested_, first_part(text_of(prefix)), seen(file, value));
    if (prefix)
      add(found_, first_part(text_of(prefix)), seen(file, value));
    else
      open_ = true;
  }

  void of_use(const CodeFile& file, const Value& value) {
    const auto path = text_of(value.at(0));
    if (path == "/")
      open_ = true;
    else
      add(found_, first_part(path), seen(file, value));
  }

  void of_verb(const CodeFile& file, const Value& value, const std::string& callee) {
    if (is_verb_of(callee, "app"))
      add(found_, first_part(text_of(value.at(0))), seen(file, value));
    else if (is_verb_of(callee, "router"))
      add(plain_, first_part(text_of(value.at(0))), seen(file, value));
  }

  /// Routers that are mounted at no path of their own are seen by their prefixes, else their pages.
  void take_nested() {
    const auto api = std::ranges::find(nested_, "/api", &Proven::value);
    if (api != nested_.end()) return add(found_, api->value, api->why);
    for (const auto& each : nested_.empty() ? plain_ : nested_) add(found_, each.value, each.why);
  }

  /// The project's own list, not an app's.
  bool is_django_urls(const CodeFile& file) const {
    const auto depth = std::ranges::count(part_.folder, '/') + (part_.folder.empty() ? 1 : 2);
    return part_.framework == Framework::kDjango && file_name(file.path) == "urls.py" &&
           std::ranges::count(file.path, '/') == depth;
  }

  static const Value* prefix_of(const Value& call) {
    const auto* given = call.find("url_prefix");
    return given ? given : call.find("prefix");
  }

  /// A literal, or what the settings' field of that name begins with.
  std::string text_of(const Value* value) const {
    if (!value) return {};
    if (value->kind == ValueKind::kString) return value->interpolated ? "" : value->text;
    if (value->kind != ValueKind::kName) return {};
    const auto name = value->text.substr(value->text.rfind('.') + 1);
    for (const auto& file : repository_.code) {
      if (const auto* given = file.find_assignment(name);
          given && given->value.kind == ValueKind::kString)
        return given->value.text;
      for (const auto& field : file.fields)
        if (field.name == name && field.value && field.value->kind == ValueKind::kString)
          return field.value->text;
    }
    return {};
  }

  static Evidence seen(const CodeFile& file, const Value& call) {
    return {file.path, call.place, call.text};
  }

  static void add(std::vector<Proven>& routes, std::string route, Evidence why) {
    const bool known = std::ranges::find(routes, route, &Proven::value) != routes.end();
    if (!route.empty() && !known && routes.size() < kRoutesMax)
      routes.push_back({std::move(route), std::move(why)});
  }

  const Repository& repository_;
  const Part& part_;
  std::vector<Proven> found_;
  std::vector<Proven> nested_;  ///< of routers, wherever they are mounted
  std::vector<Proven> plain_;   ///< pages of routers
  bool open_ = false;           ///< a router is mounted at no path of its own
};

}  // namespace

std::vector<Proven> api_routes(const Repository& repository, const Part& part) {
  return ApiRoutes(repository, part).find();
}

}  // namespace ecluse::preflight
