#include "preflight/proposal/python_object.h"

#include <algorithm>
#include <array>
#include <tuple>

#include "preflight/proposal/build_choice.h"
#include "preflight/proposal/import_root.h"

namespace ecluse::preflight {

namespace {

constexpr std::array kUsualNames = {"wsgi.py",   "asgi.py", "app.py",   "main.py",
                                    "server.py", "api.py",  "index.py", "run.py"};

/// `from shop import db` inside of shop/: what lies above it is where it is started.
bool imports_itself(const Repository& repository, std::string_view folder) {
  if (!repository.find(in_folder(folder, "__init__.py"))) return false;
  const auto name = file_name(folder);
  return std::ranges::any_of(repository.imports, [&](const ModuleImports& module) {
    if (!is_below(module.path, folder)) return false;
    return std::ranges::any_of(module.imports, [&](const Import& each) {
      return each.module == name || each.module.starts_with(std::string(name) + ".");
    });
  });
}

/// The nearest folder above a file that says what it depends on, and can be started in.
std::string root_of(const Repository& repository, std::string_view path) {
  for (auto folder = folder_of(path); !folder.empty(); folder = folder_of(folder)) {
    for (const auto* name : {"requirements.txt", "pyproject.toml", "Pipfile"})
      if (repository.find(in_folder(folder, name)) && !imports_itself(repository, folder))
        return std::string(folder);
  }
  return {};
}

std::string module_of(std::string_view root, std::string_view path) {
  auto module = std::string(path.substr(root.empty() ? 0 : root.size() + 1));
  module.resize(module.size() - 3);  // ".py"
  if (module.ends_with("/__init__")) module.resize(module.size() - 9);
  std::ranges::replace(module, '/', '.');
  return module;
}

/// `import app` takes the package app/ where app.py lies beside it.
bool is_shadowed(const Repository& repository, std::string_view path) {
  const auto package = std::string(path.substr(0, path.size() - 3));
  return repository.find(package + "/__init__.py") != nullptr;
}

bool is_importable(std::string_view module) {
  return !module.empty() && std::ranges::all_of(module, [](unsigned char c) {
    return std::isalnum(c) || c == '_' || c == '.';
  });
}

void add(const Repository& repository, Framework framework, const std::string& path,
         const std::string& name, Place place, std::vector<PythonObject>& objects) {
  if (!path.ends_with(".py") || is_development_path(path) || is_shadowed(repository, path)) return;
  PythonObject made{framework, path, root_of(repository, path), "", "", name, place};
  made.folder = import_root(repository, made.root, path);
  made.module = module_of(made.folder, path);
  const bool plain = name.find_first_of(".[") == std::string::npos;
  if (plain && is_importable(made.module)) objects.push_back(std::move(made));
}

/// "create_app()" of `def create_app(): site = bare_app()`: it calls the one that was found.
std::string outer_factory(const Repository& repository, const std::string& path,
                          const std::string& factory) {
  const auto* file = repository.find_code(path);
  if (!file) return factory;
  for (const auto& each : file->assignments) {
    const auto& function = each.scope.function;
    const bool calls = each.value.kind == ValueKind::kCall && each.value.callee + "()" == factory;
    if (calls && (function == "create_app" || function == "make_app")) return function + "()";
  }
  return factory;
}

/// `app = create_app()` at import: what servers load, wherever `factory` is.
void add_made_objects(const Repository& repository, Framework framework, std::string_view factory,
                      std::vector<PythonObject>& objects) {
  factory.remove_suffix(2);  // "()"
  for (const auto& file : repository.code) {
    if (file.test) continue;
    for (const auto& each : file.assignments) {
      const bool made =
          each.value.kind == ValueKind::kCall && (ends_with_name(each.value.callee, factory) ||
                                                  ends_with_name(each.value.callee, "create_app") ||
                                                  ends_with_name(each.value.callee, "make_app"));
      if (made && each.scope.function.empty() && !each.scope.main_guard)
        add(repository, framework, file.path, each.target, each.place, objects);
    }
  }
}

auto rank(const PythonObject& object, const std::vector<std::string>& started) {
  const auto named = std::ranges::find(started, object.path) - started.begin();
  const auto usual = std::ranges::find(kUsualNames, file_name(object.path)) - kUsualNames.begin();
  const auto depth = std::ranges::count(object.path, '/');
  // "api/index.py" below the top is the door of one hosting platform.
  const int kind = object.path.ends_with("/index.py") ? 2 : object.name.ends_with(")") ? 1 : 0;
  return std::make_tuple(named, kind, depth, usual, object.path);
}

}  // namespace

std::vector<PythonObject> python_objects(const Repository& repository, const Stack& stack,
                                         const std::vector<std::string>& started) {
  std::vector<PythonObject> objects;
  for (const auto& each : stack.applications) {
    const bool python = each.framework == Framework::kFlask ||
                        each.framework == Framework::kFastapi || each.framework == Framework::kDash;
    if (!python) continue;
    if (!each.object.ends_with(")")) {
      add(repository, each.framework, each.path, each.object, each.place, objects);
      continue;
    }
    const auto factory = outer_factory(repository, each.path, each.object);
    add(repository, each.framework, each.path, factory, each.place, objects);
    add_made_objects(repository, each.framework, factory, objects);
  }
  std::ranges::sort(objects, [&](const PythonObject& a, const PythonObject& b) {
    return rank(a, started) < rank(b, started);
  });
  return objects;
}

}  // namespace ecluse::preflight
