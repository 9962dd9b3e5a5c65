#include "preflight/rules/development_server.h"

#include <algorithm>
#include <array>

#include "base/text.h"
#include "preflight/facts/package_script.h"
#include "preflight/facts/shell.h"

namespace ecluse::preflight {

namespace {

struct Server {
  std::string_view program;
  std::string_view argument;  ///< empty: whatever it is given
};
constexpr std::array kServers = {Server{"nodemon", ""},
                                 Server{"ts-node-dev", ""},
                                 Server{"tsnd", ""},
                                 Server{"webpack-dev-server", ""},
                                 Server{"tsx", "watch"},
                                 Server{"node", "--watch"},
                                 Server{"vite", "dev"},
                                 Server{"vite", "serve"},
                                 Server{"next", "dev"},
                                 Server{"nuxt", "dev"},
                                 Server{"nuxi", "dev"},
                                 Server{"astro", "dev"},
                                 Server{"remix", "dev"},
                                 Server{"gatsby", "develop"},
                                 Server{"react-scripts", "start"},
                                 Server{"vue-cli-service", "serve"},
                                 Server{"ng", "serve"},
                                 Server{"webpack", "serve"}};

/// The servers that browsers load a page's source from: `npm start` of a template means one of
/// these, and says nothing of production.
bool serves_a_page(std::string_view line) {
  return any_of_words(
      line, {"react-scripts", "vite", "vue-cli-service", "ng serve", "webpack", "gatsby", "astro"});
}

bool is_development_server(const std::vector<std::string>& words) {
  for (std::size_t i = 0; i < words.size(); ++i) {
    const auto program = file_name(words[i]);
    const std::string_view next = i + 1 < words.size() ? words[i + 1] : std::string_view{};
    const bool known = std::ranges::any_of(kServers, [&](const Server& each) {
      return each.program == program && (each.argument.empty() || each.argument == next);
    });
    const bool vite = program == "vite" && (next.empty() || next.starts_with("-"));
    const bool nest =
        program == "nest" && next == "start" && std::ranges::find(words, "--watch") != words.end();
    if (known || vite || nest) return true;
  }
  return false;
}

/// `concurrently "nodemon a" "vite"` too: what is quoted may be a command.
bool starts_development_server(std::string_view line) {
  return std::ranges::any_of(read_shell(line).commands, [](const ShellCommand& each) {
    return is_development_server(split(join(each.words, " "), ' '));
  });
}

/// The line with the scripts of the package.json in `folder` in it.
std::string followed(const Subject& subject, std::string_view folder, std::string_view line) {
  const auto* package = subject.repository.package_of(folder);
  return package ? follow_scripts(*package, line) : std::string(line);
}

/// What argv runs, without a shell around it.
std::string line_of(const std::vector<std::string>& argv) {
  const bool shell = argv.size() >= 3 && argv[1] == "-c";
  return shell ? argv[2] : join(argv, " ");
}

bool is_for_production(const Compose& compose) {
  return any_of_words(to_lower(file_name(compose.path)), {"prod", "deploy", "stack"}) ||
         !compose.runs_development;
}

/// Dockerfile beside Dockerfile.prod: the other one is production's.
bool has_production_sibling(const Repository& repository, const Dockerfile& file) {
  return std::ranges::any_of(repository.dockerfiles, [&](const Dockerfile& other) {
    return &other != &file && folder_of(other.path) == folder_of(file.path) &&
           any_of_words(to_lower(file_name(other.path)), {"prod"}) &&
           !any_of_words(to_lower(file_name(file.path)), {"prod"});
  });
}

/// A service of production that is made of the image and told what to run.
bool is_commanded(const Subject& subject, const Dockerfile& file) {
  return std::ranges::any_of(subject.stack.composes, [&](const Compose* compose) {
    return is_for_production(*compose) &&
           std::ranges::any_of(compose->services, [&](const ComposeService& service) {
             return built_from(*compose, service) == file.path && !service.command.empty();
           });
  });
}

/// A script that asks nobody which environment it is in: else it starts one only for development.
void look_into_script(const Subject& subject, std::string_view folder, const ScriptFile* script,
                      Findings& found) {
  if (!script) return;
  for (const auto& each : script->script.commands)
    if (each.condition.empty() && starts_development_server(followed(subject, folder, each.text)))
      found.push_back(at(script->path, each.place, each.text));
}

void look_into_images(const Subject& subject, Findings& found) {
  for (const auto* file : subject.stack.dockerfiles) {
    const auto* stage = file->final_stage();
    if (!stage || has_production_sibling(subject.repository, *file) || is_commanded(subject, *file))
      continue;
    const auto folder = build_context(subject.repository, *file);
    for (const auto* name : {"ENTRYPOINT", "CMD"}) {
      const auto* each = stage->last(name);
      if (each)
        look_into_script(subject, folder, started_script(subject.repository, *file, each->argv()),
                         found);
      if (each && starts_development_server(followed(subject, folder, line_of(each->argv()))))
        found.push_back(at(file->path, each->place, each->name + " " + each->text));
    }
  }
}

void look_into_services(const Subject& subject, Findings& found) {
  for (const auto* compose : subject.stack.composes) {
    if (!is_for_production(*compose)) continue;
    for (const auto& service : compose->services) {
      const auto folder = service.context ? join_path(folder_of(compose->path), *service.context)
                                          : std::string(folder_of(compose->path));
      const auto text = service.command_line();
      const bool source = std::ranges::any_of(service.volumes, &ComposeMount::is_path);
      if (!source && service_runs_ours(service) &&
          starts_development_server(followed(subject, folder, text)))
        found.push_back(at(compose->path, service.command_place, text));
    }
  }
}

/// A platform runs `npm start` where nothing else says what to run.
void look_into_packages(const Subject& subject, Findings& found) {
  const auto& repository = subject.repository;
  if (!repository.dockerfiles.empty() || repository.find("Procfile")) return;
  for (const auto& manifest : repository.manifests) {
    const auto* start = manifest.find_script("start");
    if (!start || manifest.find_script("start:prod")) continue;
    const auto line = follow_scripts(manifest, start->command);
    if (starts_development_server(line) && !serves_a_page(line))
      found.push_back(at(manifest.path, start->place, start->command));
  }
}

}  // namespace

Findings development_servers(const Subject& subject) {
  Findings found;
  look_into_images(subject, found);
  look_into_services(subject, found);
  look_into_packages(subject, found);
  return found;
}

}  // namespace ecluse::preflight
