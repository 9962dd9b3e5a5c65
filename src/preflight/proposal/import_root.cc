#include "preflight/proposal/import_root.h"

#include <algorithm>

#include "base/text.h"
#include "preflight/proposal/build_choice.h"

namespace ecluse::preflight {

namespace {

/// "a/b.py" or "a/b/__init__.py" of "a.b:app".
bool holds_module(const Repository& repository, std::string_view folder, std::string module) {
  std::ranges::replace(module, '.', '/');
  const auto path = in_folder(folder, module);
  return repository.find(path + ".py") || repository.find(path + "/__init__.py");
}

std::string module_in(std::string_view target) {
  auto module = std::string(target.substr(0, target.find(':')));
  std::erase(module, '\'');
  return module;
}

const ModuleImports* imports_of(const Repository& repository, std::string_view path) {
  const auto found = std::ranges::find(repository.imports, path, &ModuleImports::path);
  return found == repository.imports.end() ? nullptr : &*found;
}

/// How many of a module's imports are the repository's own, seen from `folder`.
std::size_t resolved(const Repository& repository, const ModuleImports& module,
                     const std::string& folder) {
  return static_cast<std::size_t>(std::ranges::count_if(module.imports, [&](const Import& each) {
    const auto first = each.module.substr(0, each.module.find('.'));
    if (first.empty()) return false;  // relative
    const auto place = in_folder(folder, first);
    return repository.find(place + ".py") || repository.has_folder(place);
  }));
}

bool imports_relatively(const ModuleImports& module) {
  return std::ranges::any_of(module.imports,
                             [](const Import& each) { return each.module.starts_with('.'); });
}

/// The longest end of "/usr/src/app/shop" that is a folder of the repository.
std::string known_end(const Repository& repository, std::string_view path) {
  while (!path.empty()) {
    if (path.find('$') == std::string_view::npos && repository.has_folder(path))
      return std::string(path);
    const auto slash = path.find('/');
    if (slash == std::string_view::npos) return {};
    path.remove_prefix(slash + 1);
  }
  return {};
}

std::optional<std::string> named_folder(const Repository& repository, std::string_view value) {
  for (const auto& each : split(value, ':')) {
    auto folder = known_end(repository, trim(each));
    if (!folder.empty()) return folder;
  }
  return std::nullopt;
}

}  // namespace

std::string import_root(const Repository& repository, const std::string& top,
                        const std::string& path) {
  const auto* module = imports_of(repository, path);
  if (!module) return top;
  auto best = top;
  auto most = resolved(repository, *module, top);
  // What imports relatively is part of a package, which is not where it is started.
  auto folder = folder_of(path);
  if (imports_relatively(*module)) folder = folder_of(folder);
  for (; folder.size() > top.size(); folder = folder_of(folder)) {
    const auto count = resolved(repository, *module, std::string(folder));
    if (count <= most) continue;
    most = count;
    best = folder;
  }
  return best;
}

std::optional<std::string> folder_of_module(const Repository& repository, const std::string& top,
                                            std::string_view target) {
  auto module = module_in(target);
  if (module.empty()) return std::nullopt;
  if (holds_module(repository, top, module)) return top;
  std::optional<std::string> found;
  for (const auto& folder : repository.folders) {
    if (!is_below(folder, top) || is_test_path(folder) || !holds_module(repository, folder, module))
      continue;
    if (found) return std::nullopt;
    found = folder;
  }
  return found;
}

std::optional<Proven> python_path(const Repository& repository, const Stack& stack) {
  for (const auto* file : stack.dockerfiles)
    for (const auto& stage : file->stages)
      for (const auto& each : stage.instructions) {
        if (each.name != "ENV") continue;
        for (const auto& [name, value] : assignments_of(each))
          if (name == "PYTHONPATH")
            if (auto folder = named_folder(repository, value))
              return Proven{*folder, {file->path, each.place, "ENV " + each.text}};
      }
  for (const auto* compose : stack.composes)
    for (const auto& service : compose->services)
      if (const auto* found = service.find_variable("PYTHONPATH"); found && found->value)
        if (auto folder = named_folder(repository, *found->value))
          return Proven{*folder, {compose->path, found->place, "PYTHONPATH: " + *found->value}};
  return std::nullopt;
}

}  // namespace ecluse::preflight
