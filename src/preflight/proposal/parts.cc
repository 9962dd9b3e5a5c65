#include "preflight/proposal/parts.h"

#include <algorithm>
#include <array>
#include <set>

#include "base/text.h"
#include "preflight/proposal/build_choice.h"
#include "preflight/proposal/python_object.h"
#include "preflight/proposal/serving.h"

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
        lines_(start_lines(repository, stack)) {}

  std::vector<Part> find() {
    add_djangos();
    if (parts_.empty()) add_python_applications();
    add_streamlits();
    add_nodes();
    if (parts_.empty()) add_program();
    if (parts_.empty()) add_static_site();
    keep_the_top();
    name_them();
    return std::move(parts_);
  }

 private:
  bool taken(const std::string& root) const {
    return std::ranges::find(parts_, root, &Part::root) != parts_.end();
  }

  void add(Framework framework, const std::string& root, BuildProposal build, Proven command) {
    Part part;
    part.framework = framework;
    part.root = root;
    part.build = std::move(build);
    part.command = std::move(command);
    parts_.push_back(std::move(part));
  }

  /// A start line that serves `root` by Python, if what it names is there.
  std::optional<Proven> python_command(const std::string& root) {
    for (const auto& line : lines_) {
      const auto serving = find_serving(line.shell);
      if (!serving || !is_python_server(serving->server)) continue;
      const auto target = target_of(*serving);
      if (target.empty()) continue;
      if (module_exists_in(repository_, root, target))
        return Proven{command_of(*serving), line.why};
      gaps_.push_back(
          {"the start command names " + target + ", which does not exist; it was not used",
           "correct it or delete it", line.why});
    }
    return std::nullopt;
  }

  void need(const std::string& package, BuildProposal& build, const Evidence& why) {
    if (install_also(repository_, package, build)) return;
    const bool has_add = build.kind == "uv" || build.kind == "poetry";
    gaps_.push_back({package + " serves the app and is not declared",
                     has_add ? "`" + build.kind + " add " + package + "`, and commit"
                             : "name it among the app's requirements, and commit",
                     why});
  }

  void need_server(const std::string& command, BuildProposal& build, const Evidence& why) {
    const auto program = command.substr(0, command.find(' '));
    need(program == "waitress-serve" ? "waitress" : program, build, why);
  }

  void add_djangos() {
    for (const auto& django : stack_.djangos) {
      if (taken(django.root)) continue;
      auto build = python_build(repository_, django.root);
      auto command = python_command(django.root);
      if (!command) command = django_command(django);
      if (!command) continue;
      need_server(command->value, build, command->why);
      add(Framework::kDjango, django.root, std::move(build), std::move(*command));
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
    for (const auto& object : python_objects(repository_, stack_)) {
      if (taken(object.root)) continue;
      auto build = python_build(repository_, object.root);
      auto command = python_command(object.root);
      if (!command) command = object_command(object);
      need_server(command->value, build, command->why);
      add(object.framework, object.root, std::move(build), std::move(*command));
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
      const auto root =
          std::string(file->substr(0, file->size() - std::min(file->size(), target.size() + 1)));
      if (taken(root) || !parts_.empty()) continue;
      auto build = python_build(repository_, root);
      need("streamlit", build, line.why);
      add(Framework::kStreamlit, root, std::move(build), {command_of(*serving), line.why});
    }
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
      if (manifest.kind != ManifestKind::kNode || !near || taken(root) ||
          is_development_path(manifest.path))
        continue;
      if (auto command = node_command(manifest)) {
        add(manifest.find("next")      ? Framework::kNext
            : manifest.find("express") ? Framework::kExpress
                                       : Framework::kNode,
            root, node_build(manifest), std::move(*command));
      } else if (manifest.find_script("build") &&
                 (manifest.find("vite") || manifest.find("react-scripts"))) {
        add_built_pages(manifest, root);
      }
    }
  }

  static std::optional<Proven> node_command(const Manifest& manifest) {
    if (const auto* script = manifest.find_script("start")) {
      const auto serving = find_serving(script->command);
      if (serving)
        return Proven{command_of(*serving),
                      {manifest.path, script->place, "start: " + script->command}};
      return std::nullopt;
    }
    if (!manifest.find("next")) return std::nullopt;
    return Proven{"next start -p $PORT",
                  {manifest.path, manifest.find("next")->place, "next is declared"}};
  }

  void add_built_pages(const Manifest& manifest, const std::string& root) {
    const auto* folder = manifest.find("vite") ? "dist" : "build";
    auto build = node_build(manifest);
    const auto why = build.run.front().why;
    add(Framework::kStatic, root, std::move(build),
        {std::string("python3 -m http.server $PORT --directory ") + folder, why});
  }

  /// `CMD ["python", "server.py"]`: a program of the repository, whatever it serves by.
  void add_program() {
    for (const auto& line : lines_) {
      const auto command = line.shell.substr(0, line.shell.find('\n'));
      const auto words = split(command, ' ');
      const bool python = words[0] == "python" || words[0] == "python3";
      const bool runs = (python || words[0] == "node") && words.size() > 1;
      if (runs && words[1] != "manage.py" && repository_.find(in_folder(line.folder, words[1])))
        return add(Framework::kProgram, line.folder, program_build(line.folder, python),
                   {command, line.why});
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
      return add(
          Framework::kStatic, "", {},
          {"python3 -m http.server $PORT --directory " + directory, {page, {1, 1}, "is there"}});
    }
  }

  /// What lies at the top is the project; below it are its tools, demos and documents.
  void keep_the_top() {
    if (!taken("")) return;
    for (const auto& part : parts_) {
      if (!part.root.empty())
        gaps_.push_back({part.root + "/ holds " + std::string(to_string(part.framework)) +
                             ", too; it is not started",
                         "add it under `processes:` if it is part of the app", part.command.why});
    }
    std::erase_if(parts_, [](const Part& part) { return !part.root.empty(); });
  }

  void name_them() {
    std::set<std::string> names;
    for (auto& part : parts_) {
      const auto folder = to_lower(file_name(part.root));
      const bool back = folder == "backend" || folder == "server" || folder == "api";
      part.name = parts_.size() == 1 ? "web" : back ? "api" : "web";
      if (!names.insert(part.name).second) {
        part.name = app_name(part.root);
        names.insert(part.name);
      }
      if (parts_.size() == 1) continue;
      part.route =
          Proven{part.name == "web" ? "/" : "/" + part.name,
                 {part.command.why.path, {}, "one of " + std::to_string(parts_.size()) + " parts"}};
    }
  }

  const Repository& repository_;
  const Stack& stack_;
  std::vector<Gap>& gaps_;
  std::vector<StartLine> lines_;
  std::vector<Part> parts_;
};

}  // namespace

std::vector<Part> find_parts(const Repository& repository, const Stack& stack,
                             std::vector<Gap>& gaps) {
  return PartFinder(repository, stack, gaps).find();
}

}  // namespace ecluse::preflight
