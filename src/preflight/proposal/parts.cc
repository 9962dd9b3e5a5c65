#include "preflight/proposal/parts.h"

#include <algorithm>
#include <array>

#include "base/text.h"
#include "preflight/proposal/build_choice.h"
#include "preflight/proposal/built_pages.h"
#include "preflight/proposal/import_root.h"
#include "preflight/proposal/node_start.h"
#include "preflight/proposal/put_together.h"
#include "preflight/proposal/python_object.h"
#include "preflight/proposal/serving.h"
#include "preflight/proposal/shell_line.h"
#include "preflight/proposal/started_file.h"
#include "preflight/proposal/streamlit_script.h"

namespace ecluse::preflight {

namespace {

bool is_python_server(Server server) {
  switch (server) {
    case Server::kGunicorn:
    case Server::kUvicorn:
    case Server::kHypercorn:
    case Server::kDaphne:
    case Server::kWaitress:
      return true;
    case Server::kStreamlit:
    case Server::kNode:
    case Server::kNext:
      return false;
  }
  return false;
}

class PartFinder {
 public:
  PartFinder(const Repository& repository, const Stack& stack, std::vector<Gap>& gaps)
      : repository_(repository),
        stack_(stack),
        gaps_(gaps),
        lines_(start_lines(repository, stack)),
        python_path_(python_path(repository, stack)) {}

  std::vector<Part> find() {
    add_djangos();
    if (parts_.empty()) add_python_applications();
    add_streamlits();
    add_nodes();
    if (parts_.empty()) add_program();
    if (parts_.empty()) add_streamlit_script();
    if (parts_.empty()) add_static_site();
    return std::move(parts_);
  }

 private:
  bool taken(const std::string& root) const {
    return std::ranges::find(parts_, root, &Part::root) != parts_.end();
  }

  Part& add(Framework framework, const std::string& root, BuildProposal build, Proven command) {
    Part part;
    part.framework = framework;
    part.root = root;
    part.folder = root;
    part.build = std::move(build);
    part.command = std::move(command);
    parts_.push_back(std::move(part));
    return parts_.back();
  }

  /// A part at the top is built there and started below; another one is both in one folder.
  static void start_in(const std::string& folder, Part& part) {
    if (folder == part.root) return;
    if (part.root.empty()) {
      part.folder = folder;
      return;
    }
    part.below = folder.substr(part.root.size() + 1);
    part.command.value = started_in(part.below, part.command.value);
  }

  struct Start {
    Proven command;
    std::string folder;  ///< that it is run in
  };

  /// A start line that serves `root` by Python, if what it names is there.
  std::optional<Start> python_command(const std::string& root) {
    for (const auto& line : lines_) {
      auto serving = find_serving(line.shell);
      if (!serving || !is_python_server(serving->server)) continue;
      const auto target = target_of(*serving);
      if (target.empty()) continue;
      if (const auto folder = folder_of_target(root, target)) {
        start_where_it_is(*serving);
        find_settings_file(*folder, line.why, *serving);
        return Start{{command_of(*serving), line.why}, *folder};
      }
      gaps_.push_back(
          {"the start command names " + target + ", which does not exist; it was not used",
           "correct it or delete it", line.why});
    }
    return std::nullopt;
  }

  /// `gunicorn --chdir shop`, `uvicorn --app-dir src`: it is run in the folder of what it names.
  static void start_where_it_is(Serving& serving) {
    for (const std::string_view flag : {"--chdir", "--app-dir"}) {
      const auto named = std::ranges::find_if(serving.words, [&](std::string_view word) {
        return word == flag || (word.starts_with(flag) && word[flag.size()] == '=');
      });
      if (named == serving.words.end()) continue;
      const bool apart = *named == flag && named + 1 != serving.words.end();
      serving.words.erase(named, named + (apart ? 2 : 1));
    }
  }

  /// `gunicorn -c conf.py` of an image that has copied the file from elsewhere, or made it: without
  /// it gunicorn ends.
  void find_settings_file(const std::string& folder, const Evidence& why, Serving& serving) {
    auto& words = serving.words;
    const auto flag = std::ranges::find_if(
        words, [](std::string_view word) { return word == "-c" || word == "--config"; });
    if (serving.server != Server::kGunicorn || flag == words.end() || flag + 1 == words.end())
      return;
    auto& named = *(flag + 1);
    if (named.find(':') != std::string::npos || repository_.find(in_folder(folder, named))) return;
    const auto found = std::ranges::find_if(repository_.files, [&](const FileFact& file) {
      const bool inside = folder.empty() || file.path.starts_with(folder + "/");
      return inside && file_name(file.path) == file_name(named);
    });
    if (found != repository_.files.end()) {
      named = found->path.substr(folder.empty() ? 0 : folder.size() + 1);
      return;
    }
    gaps_.push_back({"gunicorn's settings " + named + " are not in the repository; left out",
                     "commit the file, and name it behind -c", why});
    words.erase(flag, flag + 2);
  }

  /// Where it is run: what PYTHONPATH adds needs no other folder than the part's own.
  std::optional<std::string> folder_of_target(const std::string& root,
                                              const std::string& target) const {
    if (python_path_) {
      const auto& path = python_path_->value;
      if (is_below(path, root) && folder_of_module(repository_, path, target) == path) return root;
    }
    return folder_of_module(repository_, root, target);
  }

  /// "'uvicorn[standard]'" of an image that installs it beside its manifest; the name alone where
  /// none does.
  std::string as_installed(const std::string& package) const {
    for (const auto& file : repository_.dockerfiles)
      for (const auto& stage : file.stages)
        for (const auto& each : stage.instructions) {
          if (each.name != "RUN" || each.text.find("pip install") == std::string::npos) continue;
          for (auto word : split(each.text, ' ')) {
            std::erase_if(word, [](char c) { return c == '"' || c == '\''; });
            if (word == package + "[standard]") return "'" + word + "'";
          }
        }
    return package;
  }

  void need(const std::string& package, BuildProposal& build, const Evidence& why) {
    if (build.kind.empty()) {
      gaps_.push_back(
          {"nothing says which packages the app needs: no requirements.txt, "
           "pyproject.toml or Pipfile is in the repository",
           "`pip freeze > requirements.txt` where it runs, and commit it", why});
      return;
    }
    if (install_also(repository_, package, build)) return;
    const bool has_add = build.kind == "uv" || build.kind == "poetry";
    build.run.push_back({"pip install --no-compile " + as_installed(package),
                         {why.path, why.place, "no manifest declares " + package}});
    gaps_.push_back(
        {package + " serves the app and is not declared; its newest version is installed",
         has_add ? "`" + build.kind + " add " + package + "`, and commit"
                 : "name it among the app's requirements, and commit",
         why});
  }

  void need_server(const std::string& command, BuildProposal& build, const Evidence& why) {
    const auto program = command.substr(0, command.find(' '));
    need(program == "waitress-serve" ? "waitress" : program, build, why);
  }

  /// The folder itself, or the nearest above it where the manifest of a part in a bare folder lies.
  std::string built_in(const std::string& folder) const {
    for (std::string_view above = folder;; above = folder_of(above)) {
      if (!python_build(repository_, std::string(above)).kind.empty()) return std::string(above);
      if (above.empty()) return folder;
    }
  }

  void add_djangos() {
    for (const auto& django : stack_.djangos) {
      const auto root = built_in(django.root);
      if (taken(root)) continue;
      auto build = python_build(repository_, root);
      auto start = python_command(django.root);
      auto command = start && start->folder == django.root
                         ? std::optional(std::move(start->command))
                         : django_command(django);
      if (!command) continue;
      need_server(command->value, build, command->why);
      start_in(django.root, add(Framework::kDjango, root, std::move(build), std::move(*command)));
    }
  }

  std::optional<Proven> django_command(const Django& django) const {
    if (django.wsgi.empty()) return std::nullopt;
    const auto from = django.root.empty() ? 0 : django.root.size() + 1;
    auto module = django.wsgi.substr(from, django.wsgi.size() - from - 3);
    std::ranges::replace(module, '/', '.');
    return Proven{"gunicorn " + module + " --bind 0.0.0.0:$PORT",
                  {django.wsgi, {1, 1}, "a Django project (" + django.manage + ")"}};
  }

  void add_python_applications() {
    for (const auto& object :
         python_objects(repository_, stack_, started_files(repository_, stack_, lines_))) {
      if (taken(object.root)) continue;
      auto build = python_build(repository_, object.root);
      auto start = python_command(object.root);
      if (!start) start = Start{object_command(object), object.folder};
      need_server(start->command.value, build, start->command.why);
      auto& part = add(object.framework, object.root, std::move(build), std::move(start->command));
      start_in(start->folder, part);
    }
  }

  Proven object_command(const PythonObject& object) const {
    const auto target = object.module + ":" + object.name;
    const auto word = object.name.ends_with(")") ? "'" + target + "'" : target;
    const Evidence why{object.path, object.place,
                       object.name + " is a " + std::string(to_string(object.framework)) + " app"};
    if (object.framework == Framework::kFastapi) {
      const bool factory = object.name.ends_with("()");
      const auto name =
          object.module + ":" + object.name.substr(0, object.name.size() - (factory ? 2 : 0));
      return {"uvicorn " + name + (factory ? " --factory" : "") + " --host 0.0.0.0 --port $PORT",
              why};
    }
    const auto name =
        object.framework == Framework::kDash ? object.module + ":" + object.name + ".server" : word;
    // Socket.IO keeps a visitor's connection in one worker's memory.
    const bool sockets = repository_.find_dependency("flask-socketio") != nullptr;
    return {"gunicorn " + name + (sockets ? " --workers 1 --threads 100" : "") +
                " --bind 0.0.0.0:$PORT",
            why};
  }

  void add_streamlits() {
    for (const auto& line : lines_) {
      const auto serving = find_serving(line.shell);
      if (!serving || serving->server != Server::kStreamlit) continue;
      const auto target = target_of(*serving);
      const auto file = file_ending_with(line.folder, target);
      if (!file) {
        if (!target.empty())
          gaps_.push_back(
              {"the start command names " + target + ", which does not exist; it was not used",
               "correct it or delete it", line.why});
        continue;
      }
      const auto folder =
          std::string(file->substr(0, file->size() - std::min(file->size(), target.size() + 1)));
      const auto root = built_in(folder);
      // Beside other parts only where an image starts it: else it is a tool of theirs.
      const bool image = repository_.find_dockerfile(line.why.path) != nullptr;
      if (taken(root) || (!parts_.empty() && !(image && !root.empty() && !taken("")))) continue;
      auto build = python_build(repository_, root);
      need("streamlit", build, line.why);
      start_in(folder, add(Framework::kStreamlit, root, std::move(build),
                           {command_of(*serving), line.why}));
    }
  }

  void add_streamlit_script() {
    auto script = streamlit_script(repository_);
    if (!script) return;
    const auto root = built_in(std::string(folder_of(script->value)));
    const auto own = script->value.substr(root.empty() ? 0 : root.size() + 1);
    auto build = python_build(repository_, root);
    need("streamlit", build, script->why);
    gaps_.push_back({"nothing says which script Streamlit starts; " + script->value +
                         " is taken: it imports streamlit, and no other file imports it",
                     "correct `command:` where that is not the one", script->why});
    add(Framework::kStreamlit, root, std::move(build),
        {command_of({Server::kStreamlit, {"streamlit", "run", own}}), script->why});
  }

  std::optional<std::string> file_ending_with(const std::string& folder,
                                              const std::string& target) const {
    if (target.empty()) return std::nullopt;
    const auto exact = in_folder(folder, target);
    if (repository_.find(exact)) return exact;
    for (const auto& file : repository_.files)
      if (file.path == target || file.path.ends_with("/" + target)) return file.path;
    return std::nullopt;
  }

  void add_nodes() {
    for (const auto& manifest : repository_.manifests) {
      const auto root = std::string(folder_of(manifest.path));
      const bool near = std::ranges::count(manifest.path, '/') <= 2;
      if (manifest.kind != ManifestKind::kNode || !near || is_development_path(manifest.path))
        continue;
      if (taken(root)) {
        note_assets(manifest);
        continue;
      }
      const auto pages = built_pages(repository_, manifest);
      const bool exported = pages && manifest.find("next");  // `next start` refuses to serve them
      auto command = exported ? std::nullopt : node_command(repository_, manifest, lines_);
      if (command)
        add(manifest.find("next")      ? Framework::kNext
            : manifest.find("express") ? Framework::kExpress
                                       : Framework::kNode,
            root, node_build(manifest), std::move(*command));
      else if (pages)
        add_built_pages(manifest, root, *pages);
    }
  }

  /// Style sheets and scripts of a Python app, which its image builds.
  void note_assets(const Manifest& manifest) {
    const auto* script = manifest.find_script("build");
    if (!script) return;
    gaps_.push_back({manifest.path + " builds what the pages need, and a Python part does not: " +
                         script->command,
                     "commit what it makes, or add it to `run:` of `build:` where the server has "
                     "Node: `npm ci && npm run build`",
                     {manifest.path, script->place, "build: " + script->command}});
  }

  void add_built_pages(const Manifest& manifest, const std::string& root,
                       const std::string& folder) {
    auto build = node_build(manifest);
    const auto why = build.run.front().why;
    note_addresses(manifest);
    add(Framework::kStatic, root, std::move(build),
        {"python3 -m http.server $PORT --directory " + shell_word(folder), why});
  }

  /// A page's own router makes addresses that are no files: /tasks/3, reloaded, is looked for.
  void note_addresses(const Manifest& manifest) {
    for (const auto* router : {"react-router-dom", "react-router", "vue-router", "wouter",
                               "@tanstack/react-router", "@reach/router"})
      if (const auto* found = manifest.find(router)) {
        gaps_.push_back({std::string(router) +
                             " makes addresses that are no files: opened directly, and when a "
                             "visitor reloads them, they are answered 404",
                         "let the router keep them behind # (HashRouter, createWebHashHistory), or "
                         "start a server of your own that answers them with index.html",
                         {manifest.path, found->place, std::string(router) + " is declared"}});
        return;
      }
  }

  /// `CMD ["python", "server.py"]`: a program of the repository, whatever it serves by.
  void add_program() {
    for (const auto& line : lines_) {
      const auto command = line.shell.substr(0, line.shell.find('\n'));
      const auto words = split(command, ' ');
      const bool python = words[0] == "python" || words[0] == "python3";
      const bool runs = (python || words[0] == "node") && words.size() > 1;
      if (runs && words[1] != "manage.py" && repository_.find(in_folder(line.folder, words[1]))) {
        add(Framework::kProgram, line.folder, program_build(line.folder, python),
            {command, line.why});
        return;
      }
      if (repository_.find_dockerfile(line.why.path))
        gaps_.push_back({"the image starts " + words[0] + "; ecluse runs no images yet",
                         "say how it is built and started without one: `build: {command: ...}`",
                         line.why});
    }
  }

  BuildProposal program_build(const std::string& folder, bool python) const {
    if (python) return python_build(repository_, folder);
    const auto* package = repository_.package_of(folder);
    return package && folder_of(package->path) == folder ? node_build(*package) : BuildProposal{};
  }

  void add_static_site() {
    for (const auto* folder : {"", "public", "dist", "site", "docs", "build"}) {
      const auto page = in_folder(folder, "index.html");
      if (!repository_.find(page)) continue;
      const std::string directory = *folder == '\0' ? "." : folder;
      add(Framework::kStatic, "", {},
          {"python3 -m http.server $PORT --directory " + directory, {page, {1, 1}, "is there"}});
      return;
    }
  }

  const Repository& repository_;
  const Stack& stack_;
  std::vector<Gap>& gaps_;
  std::vector<StartLine> lines_;
  std::optional<Proven> python_path_;
  std::vector<Part> parts_;
};

}  // namespace

std::vector<Part> find_parts(const Repository& repository, const Stack& stack,
                             std::vector<Gap>& gaps) {
  auto parts = PartFinder(repository, stack, gaps).find();
  put_together(repository, parts, gaps);
  return parts;
}

}  // namespace ecluse::preflight
