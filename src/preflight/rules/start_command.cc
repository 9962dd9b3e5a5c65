// RUN-001..003: what starts.

#include <algorithm>
#include <array>
#include <cctype>
#include <utility>

#include "base/text.h"
#include "preflight/rules/rule.h"

namespace ecluse::preflight {

namespace {

bool takes_value(std::string_view option) {
  constexpr std::array kOptions = {"-c",     "--config",     "-b",
                                   "--bind", "-k",           "--worker-class",
                                   "--host", "--log-config", "--logger-class"};
  return std::ranges::find(kOptions, option) != kOptions.end();
}

/// "pkg.wsgi" of a gunicorn command line; "" when none.
std::string wsgi_module(std::string_view text) {
  for (const std::string_view server : {"gunicorn", "uvicorn", "daphne", "hypercorn"}) {
    const auto start = text.find(server);
    if (start == std::string_view::npos) continue;
    bool option = false;  // the word before this one takes it: `-c python:config.gunicorn`
    for (auto word : split(text.substr(start + server.size(), 400), ' ')) {
      std::erase_if(
          word, [](char c) { return c == '"' || c == '\'' || c == ',' || c == '[' || c == ']'; });
      if (std::exchange(option, takes_value(word))) continue;
      const auto module = word.substr(0, word.find(':'));
      const bool named = word.find(':') != std::string::npos || module.ends_with(".wsgi") ||
                         module.ends_with(".asgi");
      const bool plain = !module.empty() && std::ranges::all_of(module, [](unsigned char c) {
        return std::isalnum(c) || c == '_' || c == '.';
      }) && std::isalpha(static_cast<unsigned char>(module[0]));
      if (named && plain) return module;
    }
  }
  return {};
}

bool module_exists(const Repository& repository, std::string module) {
  std::ranges::replace(module, '.', '/');
  return std::ranges::any_of(repository.files, [&](const FileFact& file) {
    for (const auto& ending : {module + ".py", module + "/__init__.py"})
      if (file.path == ending || file.path.ends_with("/" + ending)) return true;
    return false;
  });
}

/// "app.py" of `python app.py`, where no file of that name is there and no RUN line makes one.
std::string missing_program(const Subject& subject, const Stage& stage, const Instruction& start) {
  const auto words = start.json ? *start.json : split(start.text, ' ');
  const bool python = words.size() >= 2 && (words[0] == "python" || words[0] == "python3");
  if (!python || !words[1].ends_with(".py") || words[1].find('$') != std::string::npos) return {};
  const auto name = file_name(words[1]);
  for (const auto& file : subject.repository.files)
    if (file_name(file.path) == name) return {};
  for (const auto& each : stage.instructions)
    if (each.name == "RUN" && any_of_words(each.text, {"git clone", "curl ", "wget ", name}))
      return {};
  return words[1];
}

Findings missing_module(const Subject& subject) {
  Findings found;
  const auto look = [&](const std::string& path, Place place, std::string_view text) {
    const auto module = wsgi_module(text);
    if (!module.empty() && !module_exists(subject.repository, module))
      found.push_back(at(path, place, module + " does not exist"));
  };
  for (const auto* file : subject.stack.dockerfiles)
    if (const auto* stage = file->final_stage())
      for (const auto* name : {"ENTRYPOINT", "CMD"})
        if (const auto* each = stage->last(name)) {
          look(file->path, each->place, each->json ? join(*each->json, " ") : each->text);
          const auto program = missing_program(subject, *stage, *each);
          if (!program.empty())
            found.push_back(at(file->path, each->place, program + " does not exist"));
        }
  for (const auto* compose : subject.stack.composes)
    for (const auto& service : compose->services)
      if (service.context) look(compose->path, service.command_place, join(service.command, " "));
  int number = 0;
  for (const auto line : lines_of(subject.repository.text("Procfile")))
    look("Procfile", {++number, 1}, line);
  for (const auto& [path, text] : subject.repository.texts) {
    if (file_name(path) != "render.yaml" && !path.ends_with(".sh")) continue;
    number = 0;
    for (const auto line : lines_of(text)) {
      ++number;
      if (!trim(line).starts_with('#') && line.find("install") == std::string_view::npos &&
          line.find("echo") == std::string_view::npos)
        look(path, {number, 1}, line);
    }
  }
  return found;
}

/// render.yaml's `env: docker` reads no startCommand; an ENTRYPOINT without "$@" no CMD.
Findings ignored_start(const Subject& subject) {
  Findings found;
  const auto text = subject.repository.text("render.yaml");
  const bool docker = any_of_words(text, {"env: docker", "runtime: docker"});
  auto lines = lines_like(subject.repository, "render.yaml",
                          [&](std::string_view line) -> std::optional<int> {
                            const auto column = line.find("startCommand:");
                            if (!docker || column == std::string_view::npos) return std::nullopt;
                            return static_cast<int>(column) + 1;
                          });
  found.insert(found.end(), lines.begin(), lines.end());
  if (subject.repository.find("Procfile") && subject.repository.find("render.yaml") &&
      text.find("startCommand:") != std::string_view::npos)
    found.push_back(
        at("Procfile", {1, 1}, "render.yaml says startCommand, so the Procfile is not read"));
  return found;
}

/// By a script that npm or the platform calls by itself, or one that somebody calls.
bool generates_client(const Repository& repository, const Manifest& manifest) {
  constexpr std::array kCalled = {"postinstall", "install",      "prepare",          "build",
                                  "prebuild",    "vercel-build", "heroku-postbuild", "start",
                                  "prestart",    "postbuild"};
  const auto called = [&](const Script& script) {
    if (std::ranges::find(kCalled, script.name) != kCalled.end()) return true;
    return std::ranges::any_of(repository.texts, [&](const auto& each) {
      return !each.first.ends_with(".md") &&
             any_of_words(each.second, {"run " + script.name, "yarn " + script.name});
    });
  };
  for (const auto& script : manifest.scripts)
    if (script.command.find("prisma generate") != std::string::npos && called(script)) return true;
  return std::ranges::any_of(repository.texts, [](const auto& each) {
    return !each.first.ends_with(".md") && each.second.find("prisma generate") != std::string::npos;
  });
}

Findings no_generation(const Subject& subject) {
  if (!subject.repository.find_dependency("@prisma/client")) return {};
  Findings found;
  for (const auto& manifest : subject.repository.manifests) {
    const auto* client = manifest.find("@prisma/client");
    if (!client) continue;
    if (!generates_client(subject.repository, manifest))
      found.push_back(at(manifest.path, client->place, "nothing runs `prisma generate`"));
  }
  return found;
}

constexpr std::array kRules = {
    Rule{"RUN-001", Severity::kMajor, "The start command names a module that does not exist",
         "The server stops at once with ModuleNotFoundError.", "Correct the module's name.",
         missing_module},
    Rule{"RUN-002", Severity::kWarn, "A start command that is not used",
         "Another file says what starts, and wins.", "Delete one of the two.", ignored_start},
    Rule{"RUN-003", Severity::kMajor, "The Prisma client is never generated",
         "The first query throws: @prisma/client did not initialize yet.",
         "`\"postinstall\": \"prisma generate\"`", no_generation},
};

}  // namespace

std::span<const Rule> start_command_rules() {
  return kRules;
}

}  // namespace ecluse::preflight
