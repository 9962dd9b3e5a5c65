#include "preflight/proposal/started_file.h"

#include <algorithm>
#include <set>

#include "base/text.h"
#include "preflight/facts/shell.h"
#include "preflight/proposal/build_choice.h"
#include "preflight/proposal/import_root.h"

namespace ecluse::preflight {

namespace {

class StartedFiles {
 public:
  explicit StartedFiles(const Repository& repository) : repository_(repository) {}

  void of_line(const StartLine& line) {
    for (const auto& command : read_shell(line.shell).commands)
      of_words(line.folder, command.words);
  }

  /// "shop.py", "shop/wsgi.py:app", "shop", "shop.web:create_app()"
  void of_flask_app(const std::string& folder, std::string_view value) {
    const auto name = std::string(trim(value.substr(0, value.find(':'))));
    if (name.empty() || name.find('$') != std::string::npos) return;
    name.ends_with(".py") || name.find('/') != std::string::npos ? add_file(folder, name)
                                                                 : add_module(folder, name);
  }

  std::vector<std::string> take() { return std::move(found_); }

 private:
  void of_words(const std::string& folder, const std::vector<std::string>& words) {
    for (std::size_t i = 0; i + 1 < words.size(); ++i) {
      const auto program = file_name(words[i]);
      const auto& next = words[i + 1];
      const bool python = program == "python" || program == "python3";
      if (python && next == "-m" && i + 2 < words.size()) return add_module(folder, words[i + 2]);
      if (python && next.ends_with(".py")) return add_file(folder, next);
      if (program == "fastapi" && (next == "run" || next == "dev") && i + 2 < words.size())
        return add_file(folder, words[i + 2]);
      if (program == "flask" && (next == "--app" || next == "-A") && i + 2 < words.size())
        return of_flask_app(folder, words[i + 2]);
    }
  }

  void add_file(const std::string& folder, std::string_view name) {
    auto path = join_path(folder, name.starts_with('/') ? file_name(name) : name);
    if (!repository_.find(path)) path += ".py";
    if (repository_.find(path)) add(folder, path);
  }

  void add_module(const std::string& folder, std::string module) {
    const auto root = folder_of_module(repository_, folder, module);
    if (!root) return;
    std::ranges::replace(module, '.', '/');
    auto path = in_folder(*root, module);
    path += repository_.find(path + ".py") ? ".py" : "/__init__.py";
    add(folder, path);
  }

  /// The module that a file hands to its server stands in front of it, those it imports behind it.
  void add(const std::string& folder, const std::string& path) {
    if (seen_.size() >= kFilesMax || !seen_.insert(path).second) return;
    const auto* file = repository_.find_code(path);
    if (file)
      if (const auto served = served_module(*file); !served.empty()) add_module(folder, served);
    found_.push_back(path);
    if (!file) return;
    for (const auto& each : file->imports)
      if (brings_app(each)) add_module(folder, each.module);
  }

  /// `from shop import create_app`
  static bool brings_app(const Import& import) {
    return std::ranges::any_of(import.names, [](std::string_view name) {
      return name == "app" || name == "create_app" || name == "make_app" || name == "application";
    });
  }

  /// "shop.api" of `uvicorn.run("shop.api:app", port=8000)`.
  static std::string served_module(const CodeFile& file) {
    for (const auto& call : file.calls) {
      if (!ends_with_name(call.callee(), "uvicorn.run")) continue;
      const auto* named = call.value.find("app");
      const auto* app = named ? named : call.value.at(0);
      const auto colon = app ? app->text.find(':') : std::string::npos;
      if (app && app->kind == ValueKind::kString && colon != std::string::npos)
        return app->text.substr(0, colon);
    }
    return {};
  }

  static constexpr std::size_t kFilesMax = 64;

  const Repository& repository_;
  std::set<std::string> seen_;  ///< files of one circle name each other
  std::vector<std::string> found_;
};

constexpr std::string_view kFlaskApp = "FLASK_APP";

void of_variables(const Repository& repository, const Stack& stack, StartedFiles& found) {
  for (const auto* file : stack.dockerfiles)
    for (const auto& stage : file->stages)
      for (const auto& each : stage.instructions)
        if (each.name == "ENV")
          for (const auto& [name, value] : assignments_of(each))
            if (name == kFlaskApp) found.of_flask_app(std::string(folder_of(file->path)), value);
  for (const auto* compose : stack.composes)
    for (const auto& service : compose->services)
      if (const auto* variable = service.find_variable(kFlaskApp); variable && variable->value)
        found.of_flask_app(std::string(folder_of(compose->path)), *variable->value);
  for (const auto& file : repository.env_files)
    if (const auto* line = file.find(kFlaskApp))
      found.of_flask_app(std::string(folder_of(file.path)), line->value);
}

}  // namespace

std::vector<std::string> started_files(const Repository& repository, const Stack& stack,
                                       const std::vector<StartLine>& lines) {
  StartedFiles found(repository);
  for (const auto& line : lines) found.of_line(line);
  of_variables(repository, stack, found);
  return found.take();
}

}  // namespace ecluse::preflight
