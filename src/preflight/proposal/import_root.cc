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

/// `workdir`: where the image keeps the repository, "" where that is not known.
std::optional<std::string> named_folder(const Repository& repository, std::string_view value,
                                        std::string_view workdir) {
  for (const auto& each : split(value, ':')) {
    auto path = trim(each);
    while (path.size() > 1 && path.ends_with('/')) path.remove_suffix(1);
    if (!workdir.empty() && path == workdir) continue;  // the top, where all is found anyway
    if (!workdir.empty() && is_below(path, workdir) &&
        repository.has_folder(path.substr(workdir.size() + 1)))
      return std::string(path.substr(workdir.size() + 1));
    auto folder = known_end(repository, path);
    if (!folder.empty()) return folder;
  }
  return std::nullopt;
}

/// "/app" of the last `WORKDIR /app/`.
std::string workdir_of(const Dockerfile& file, const Stage& stage) {
  std::string found;
  for (const auto* each : file.inherited(stage))
    if (each->name == "WORKDIR" && each->text.starts_with('/')) found = trim(each->text);
  while (found.ends_with('/')) found.pop_back();
  return found;
}

/// "shared" of `COPY shared /app/lib`, where `value` names /app/lib.
std::optional<std::string> copied_folder(const Repository& repository, const Stage& stage,
                                         std::string_view value) {
  const auto named = split(value, ':');
  for (const auto& each : stage.instructions) {
    const auto words = split(each.text, ' ');
    const bool plain = each.name == "COPY" && !each.json && words.size() == 2;
    if (!plain || each.flag("from").size() > 0) continue;
    auto target = words[1];
    while (target.size() > 1 && target.ends_with('/')) target.pop_back();
    const auto source = join_path("", words[0]);
    if (std::ranges::find(named, target) != named.end() && repository.has_folder(source))
      return source;
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
          if (name == "PYTHONPATH") {
            auto folder = named_folder(repository, value, workdir_of(*file, stage));
            if (!folder) folder = copied_folder(repository, stage, value);
            if (folder) return Proven{*folder, {file->path, each.place, "ENV " + each.text}};
          }
      }
  for (const auto* compose : stack.composes)
    for (const auto& service : compose->services)
      if (const auto* found = service.find_variable("PYTHONPATH"); found && found->value)
        if (auto folder = named_folder(repository, *found->value, ""))
          return Proven{*folder, {compose->path, found->place, "PYTHONPATH: " + *found->value}};
  return std::nullopt;
}

}  // namespace ecluse::preflight
