#include "preflight/proposal/streamlit_script.h"

#include <algorithm>

#include "preflight/proposal/build_choice.h"

namespace ecluse::preflight {

namespace {

using Paths = std::vector<std::string>;

constexpr std::size_t kScriptsMax = 256;  ///< a gallery has no one script

Place import_place(const ModuleImports& file) {
  const auto found = std::ranges::find(file.imports, "streamlit", &Import::module);
  return found == file.imports.end() ? Place{} : found->place;
}

bool is_script(const ModuleImports& file) {
  return import_place(file).line > 0 && file_name(folder_of(file.path)) != "pages" &&
         !is_test_path(file.path) && is_production_path(file.path);
}

/// `import views.home`, `from home import show`.
bool is_imported(const Repository& repository, const std::string& path) {
  const auto stem = file_name(path).substr(0, file_name(path).size() - 3);  // ".py"
  const auto below = "." + std::string(stem);
  return std::ranges::any_of(repository.imports, [&](const ModuleImports& file) {
    return file.path != path && std::ranges::any_of(file.imports, [&](const Import& each) {
             return each.module == stem || each.module.ends_with(below);
           });
  });
}

bool calls(const Repository& repository, const std::string& path, std::string_view name) {
  const auto* file = repository.find_code(path);
  return file && std::ranges::any_of(file->calls, [&](const Call& call) {
           return ends_with_name(call.callee(), name);
         });
}

/// Those that `holds`, where there are any.
template <typename Holds>
void keep(Paths& paths, Holds holds) {
  Paths kept;
  std::ranges::copy_if(paths, std::back_inserter(kept), holds);
  if (!kept.empty()) paths = std::move(kept);
}

}  // namespace

std::optional<Proven> streamlit_script(const Repository& repository) {
  Paths paths;
  for (const auto& file : repository.imports)
    if (is_script(file)) paths.push_back(file.path);
  if (paths.size() > kScriptsMax) return std::nullopt;
  keep(paths, [&](const std::string& path) { return !is_imported(repository, path); });
  keep(paths, [&](const std::string& path) {
    return calls(repository, path, "navigation") ||
           repository.has_folder(in_folder(folder_of(path), "pages"));
  });
  keep(paths, [&](const std::string& path) { return calls(repository, path, "set_page_config"); });
  if (paths.size() != 1) return std::nullopt;
  const auto file = std::ranges::find(repository.imports, paths[0], &ModuleImports::path);
  return Proven{paths[0], {paths[0], import_place(*file), "imports streamlit"}};
}

}  // namespace ecluse::preflight
