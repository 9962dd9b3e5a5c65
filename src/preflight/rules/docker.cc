// DK-001..011: images.

#include <algorithm>
#include <array>
#include <cctype>

#include "base/text.h"
#include "preflight/facts/makefile.h"
#include "preflight/rules/image.h"
#include "preflight/rules/rule.h"

namespace ecluse::preflight {

namespace {

/// The image at the end of the chain of stages.
std::string_view base_image(const Dockerfile& file, const Stage& stage) {
  const auto* base = file.find_stage(stage.image);
  return base && base < &stage ? base_image(file, *base) : std::string_view(stage.image);
}

const Instruction* last_of(const Dockerfile& file, const Stage& stage, std::string_view name) {
  const Instruction* last = nullptr;
  for (const auto* each : file.inherited(stage))
    if (each->name == name) last = each;
  return last;
}

template <typename Check>
Findings for_final_stages(const Subject& subject, Check check) {
  Findings found;
  for (const auto* file : subject.stack.dockerfiles) {
    if (const auto* stage = file->final_stage()) {
      if (auto made = check(*file, *stage)) found.push_back(std::move(*made));
    }
  }
  return found;
}

/// "${USER}": does an ARG or ENV of the file say what it is? It is empty otherwise.
bool declares(const Dockerfile& file, std::string_view reference) {
  const auto name = reference.substr(std::min(reference.find_first_not_of("${"), reference.size()));
  const auto bare = name.substr(0, name.find_first_of("}:-"));
  if (name.find(":-") != std::string_view::npos) return true;
  for (const auto& stage : file.stages)
    for (const auto& each : stage.instructions)
      if ((each.name == "ARG" || each.name == "ENV") && contains_word(each.text, bare)) return true;
  return false;
}

Findings root_user(const Subject& subject) {
  return for_final_stages(
      subject, [&](const Dockerfile& file, const Stage& stage) -> std::optional<Finding> {
        const auto image = base_image(file, stage);
        // A database's own entrypoint gives up its rights.
        if (!service_of_image(image).empty() || image == "scratch" ||
            any_of_words(image, {"nonroot", "unprivileged", "rootless"}))
          return std::nullopt;
        const auto* user = last_of(file, stage, "USER");
        const auto who = user ? std::string(user->text.substr(0, user->text.find(':'))) : "";
        const bool nobody = who.starts_with('$') && !declares(file, who);
        if (user && who != "root" && who != "0" && !nobody) return std::nullopt;
        // An entrypoint that gives up its rights by itself needs root to begin with.
        for (const auto* each : file.inherited(stage))
          if (any_of_words(each->text, {"gosu", "su-exec", "setpriv"})) return std::nullopt;
        const auto* entry = last_of(file, stage, "ENTRYPOINT");
        const auto* script =
            entry ? started_script(subject.repository, file, entry->argv()) : nullptr;
        if (script && any_of_words(script->text, {"gosu ", "su-exec ", "setpriv ", "exec su "}))
          return std::nullopt;
        return at(file.path, user ? user->place : stage.place,
                  user ? "USER " + user->text : "no USER: the image runs as root");
      });
}

/// "alpine", "lts-slim": only words that name a kind, and next month another version.
bool is_kind_tag(std::string_view tag) {
  constexpr std::array kKinds = {"latest",  "alpine", "slim",     "lts",
                                 "current", "stable", "mainline", "edge"};
  return std::ranges::all_of(split(tag, '-'), [&](const std::string& part) {
    return std::ranges::find(kKinds, part) != kKinds.end();
  });
}

/// Servers whose next version reads this one's configuration: `nginx:alpine` says enough. An
/// interpreter or a database of another version is another program to the app.
bool is_steady(std::string_view image) {
  const auto name = name_of(image);
  return name == "nginx" || name == "nginx-unprivileged" || name == "httpd";
}

/// "python:3", "python:3-slim": a new language each autumn. Of others the first number is one
/// that is kept up to date by itself.
bool is_any_python(std::string_view image) {
  const auto tag = tag_of(image);
  return name_of(image) == "python" && tag.substr(0, tag.find('-')) == "3";
}

bool floats(std::string_view image) {
  const bool unknown = image.empty() || image.find('$') != std::string_view::npos;
  if (unknown || image == "scratch" || image.find('@') != std::string_view::npos) return false;
  const auto tag = tag_of(image);
  return tag.empty() || tag == "latest" || is_any_python(image) ||
         (is_kind_tag(tag) && !is_steady(image));
}

Findings latest_tag(const Subject& subject) {
  Findings found;
  for (const auto* file : subject.stack.dockerfiles)
    for (const auto& stage : file->stages)
      if (!file->find_stage(stage.image) && floats(stage.image))
        found.push_back(at(file->path, stage.place, "FROM " + stage.image));
  for (const auto* compose : subject.stack.composes)
    for (const auto& service : compose->services)
      if (!service.context && floats(service.image))
        found.push_back(at(compose->path, service.image_place, "image: " + service.image));
  return found;
}

/// `apk add --virtual` is a group to remove by its name; nothing goes by itself.
bool removes_packages(const std::vector<const Instruction*>& all) {
  return std::ranges::any_of(all, [](const Instruction* each) {
    return each->name == "RUN" && any_of_words(each->text + each->heredoc, {"apk del"});
  });
}

/// "$tools", "${tools}" that the command itself never sets.
bool is_unset(std::string_view word, std::string_view command) {
  if (!word.starts_with('$') || word.starts_with("$(")) return false;
  const auto name = word.substr(std::min(word.find_first_not_of("${"), word.size()));
  return command.find(std::string(name.substr(0, name.find('}'))) + "=") == std::string_view::npos;
}

/// `apt-get autoremove gcc`, `apt-get purge gcc`: what is named goes, and nothing else that was
/// asked for.
bool takes_away(std::string_view text, std::string_view word) {
  for (auto at = text.find(word); at != std::string_view::npos; at = text.find(word, at + 1)) {
    auto rest = text.substr(at + word.size());
    rest = rest.substr(0, rest.find_first_of("&;|\n"));
    bool value = false;  // of "-o NAME=VALUE"
    for (const auto& each : split(rest, ' ')) {
      if (each.empty() || each[0] == '\\') continue;
      if (each[0] != '-' && !value && !is_unset(each, text)) return true;
      value = each == "-o";
    }
  }
  return false;
}

bool installs_compiler(const Instruction& run) {
  const auto& text = run.heredoc.empty() ? run.text : run.heredoc;
  const bool installs =
      any_of_words(text, {"apt-get install", "apt install", "apk add", "yum install", "dnf install",
                          "apt-get -y install", "install -y"});
  if (!installs || any_of_words(text, {"apk del", "apt-get remove"}) ||
      takes_away(text, "autoremove") || takes_away(text, "purge"))
    return false;
  for (const std::string_view word : {"gcc", "build-essential", "build-base", "clang", "cmake"})
    if (contains_word(text, word)) return true;
  return text.find("g++") != std::string::npos;
}

Findings compilers(const Subject& subject) {
  return for_final_stages(
      subject, [](const Dockerfile& file, const Stage& stage) -> std::optional<Finding> {
        const auto all = file.inherited(stage);
        for (const auto* each : all) {
          if (each->name == "RUN" && installs_compiler(*each) &&
              !(each->text.find("--virtual") != std::string::npos && removes_packages(all)))
            return at(file.path, each->place, "RUN " + each->text);
        }
        return std::nullopt;
      });
}

bool serves_by_itself(std::string_view image) {
  const auto name = name_of(image);
  for (const std::string_view idle :
       {"python", "node",    "debian",          "ubuntu", "alpine", "golang",
        "ruby",   "openjdk", "eclipse-temurin", "rust",   "php",    "busybox",
        "bun",    "deno",    "amazonlinux",     "centos", "fedora", "miniconda3",
        "uv",     "scratch"})
    if (name == idle) return false;
  return true;
}

bool is_idle(std::string_view command) {
  const auto text = trim(command);
  return any_of_words(text,
                      {"tail -f /dev/null", "sleep infinity", "tail\", \"-f", "sleep\", \"inf"}) ||
         text == "bash" || text == "sh" || text == "/bin/bash" || text == "/bin/sh" ||
         text == "[\"bash\"]" || text == "[\"/bin/bash\"]" || text == "[\"sh\"]";
}

/// Every compose service that is built from `file` says itself what to run.
bool compose_commands(const Subject& subject, const Dockerfile& file) {
  bool commands = false;
  for (const auto* compose : subject.stack.composes) {
    for (const auto& service : compose->services) {
      if (!service.context || built_from(*compose, service) != file.path) continue;
      if (service.command.empty() && service.entrypoint.empty()) return false;
      commands = true;
    }
  }
  return commands;
}

/// A build of the file that says which stage it wants, and whether another one does not.
struct Builds {
  bool targeted = false;
  bool plain = false;
};
Builds builds_of(const Subject& subject, const Dockerfile& file) {
  Builds builds;
  const auto take = [&](bool targeted) { (targeted ? builds.targeted : builds.plain) = true; };
  for (const auto& compose : subject.repository.composes)
    for (const auto& service : compose.services)
      if (built_from(compose, service) == file.path) take(!service.target.empty());
  for (const auto& flow : subject.repository.workflows)
    for (const auto& job : flow.jobs)
      for (const auto& step : job.steps) {
        const bool builds_image = step.uses.find("build-push-action") != std::string::npos;
        const auto given = join_path("", step.input("file"));
        const auto path =
            given.empty() ? join_path(join_path("", step.input("context")), "Dockerfile") : given;
        if (builds_image && path == file.path) take(!step.input("target").empty());
      }
  return builds;
}

/// Not the stage that should run: the last one, by a build that names no stage.
bool ships_last(const Subject& subject, const Dockerfile& file) {
  const auto builds = builds_of(subject, file);
  return file.served && (builds.plain || !builds.targeted);
}

/// `docker build .` makes the last stage, and here that one runs the tests.
std::optional<Finding> tests_last(const Subject& subject, const Dockerfile& file) {
  if (!ships_last(subject, file)) return std::nullopt;
  const auto& last = file.stages.back();
  const auto* command = last_of(file, last, "CMD");
  const bool tests = command && any_of_words(join(command->argv(), " "),
                                             {"pytest", "npm test", "npm run test", "yarn test",
                                              "jest", "vitest", "manage.py test", "tox"});
  if (!tests) return std::nullopt;
  return at(file.path, command->place,
            "a build without a target makes " + last.name + ": CMD " + command->text);
}

Findings no_command(const Subject& subject) {
  return for_final_stages(
      subject, [&](const Dockerfile& file, const Stage& stage) -> std::optional<Finding> {
        if (auto made = tests_last(subject, file)) return made;
        const auto* command = last_of(file, stage, "CMD");
        const auto* entry = last_of(file, stage, "ENTRYPOINT");
        if (compose_commands(subject, file)) return std::nullopt;
        if (command && !entry && is_idle(command->text))
          return at(file.path, command->place, "CMD " + command->text);
        if (command || entry || serves_by_itself(base_image(file, stage))) return std::nullopt;
        return at(file.path, stage.place, "neither CMD nor ENTRYPOINT");
      });
}

/// Measured with `SHELL -c TEXT`: bash 5.2 replaces itself by the last command, also behind `&&`;
/// busybox (alpine) by a single one; dash 0.5.12, which is Debian's sh, never.
bool shell_stays(std::string_view shell, std::string_view base, std::string_view text) {
  if (contains_word(text, "exec") || shell.ends_with("bash")) return false;
  const bool several = any_of_words(text, {"&&", ";", "||", " | "});
  return several || base.find("alpine") == std::string_view::npos;
}

/// Started in the foreground, so that the script waits for it and what follows is never reached.
bool starts_server(const Repository& repository, const ShellCommand& each) {
  if (each.background || each.tested || each.function || each.piped) return false;
  const auto first = file_name(each.name());
  if (first == "make")
    return any_of_words(follow_make(repository.text("Makefile"), each.text),
                        {"gunicorn ", "uvicorn ", "daphne ", "runserver", "streamlit run"});
  for (const std::string_view server : {"gunicorn", "uvicorn", "daphne", "hypercorn", "uwsgi",
                                        "waitress-serve", "streamlit", "celery"})
    if (first == server) return true;
  return (first == "python" || first == "python3") &&
         any_of_words(each.text, {"runserver", "-m gunicorn", "-m uvicorn", "-m streamlit"});
}

/// The command that the script's shell waits for; null when the shell is replaced.
const ShellCommand* waited_for(const Repository& repository, const ScriptFile& script) {
  const ShellCommand* last = nullptr;
  for (const auto& each : script.script.commands) {
    if (each.name() == "exec") return nullptr;
    if (starts_server(repository, each)) return &each;
    if (!each.function && !each.substituted) last = &each;
  }
  return ends_with_words(script.script) ? nullptr : last;
}

std::optional<Finding> shell_form(const Dockerfile& file, const Stage& stage,
                                  const Instruction& each) {
  const auto argv = each.argv();
  const bool shell = argv.size() >= 3 && argv[1] == "-c" && any_of_words(argv[0], {"sh"});
  const bool bash = !each.json && last_of(file, stage, "SHELL") &&
                    last_of(file, stage, "SHELL")->text.find("bash") != std::string::npos;
  if (!shell || is_idle(each.text) ||
      !shell_stays(bash ? "bash" : argv[0], base_image(file, stage), argv[2]))
    return std::nullopt;
  return at(file.path, each.place, each.name + " " + each.text);
}

Findings shell_of_images(const Subject& subject) {
  return for_final_stages(
      subject, [&](const Dockerfile& file, const Stage& stage) -> std::optional<Finding> {
        for (const auto* name : {"ENTRYPOINT", "CMD"}) {
          const auto* each = last_of(file, stage, name);
          if (!each) continue;
          const auto* script = started_script(subject.repository, file, each->argv());
          const bool keeper = any_of_words(each->text, {"tini", "dumb-init"});
          if (const auto* waits =
                  script && !keeper ? waited_for(subject.repository, *script) : nullptr)
            return at(script->path, waits->place, waits->text + " is started without exec");
          // Words of CMD behind an ENTRYPOINT are its arguments, no command of a shell.
          const bool arguments =
              std::string_view(name) == "CMD" && last_of(file, stage, "ENTRYPOINT");
          const auto argv = each->argv();
          const bool direct = each->json && !(argv.size() > 1 && argv[1] == "-c");
          if ((script && direct) || keeper || arguments) continue;
          if (auto made = shell_form(file, stage, *each)) return made;
        }
        return std::nullopt;
      });
}

/// A shell that a service's command names, and what it is given to run.
struct ShellCall {
  std::string shell;
  std::string text;
};
std::optional<ShellCall> shell_call(const ComposeService& service) {
  if (service.command.size() < 3) return std::nullopt;
  ShellCall call{service.command[0], service.command[2]};
  if (!service.command_list) {  // Docker splits a text into words itself, without a shell
    const auto text = trim(service.command[2]);
    const auto dash = text.find(" -c ");
    if (dash == std::string_view::npos) return std::nullopt;
    call = {std::string(text.substr(0, dash)), std::string(trim(text.substr(dash + 4)))};
  } else if (service.command[1] != "-c") {
    return std::nullopt;
  }
  const auto name = file_name(call.shell);
  return name == "sh" || name == "bash" || name == "ash" ? std::optional(call) : std::nullopt;
}

/// A service of a profile for whoever writes the program: `profiles: [lint]`.
bool is_tool(const ComposeService& service) {
  return std::ranges::any_of(service.profiles, [](const std::string& profile) {
    return any_of_words(to_lower(profile), {"test", "lint", "dev", "debug", "tool", "check"});
  });
}

/// `command: sh -c "migrate && gunicorn ..."`, or a script: the same of a compose service.
void shell_of_services(const Subject& subject, Findings& found) {
  for (const auto* compose : subject.stack.composes) {
    for (const auto& service : compose->services) {
      if (!service_runs_ours(service) || service.init || is_tool(service) ||
          !hears_command(subject.repository, *compose, service))
        continue;
      const auto* script = started_script(subject.repository, *compose, service);
      if (const auto* waits = script ? waited_for(subject.repository, *script) : nullptr)
        found.push_back(at(script->path, waits->place, waits->text + " is started without exec"));
      const auto* file = subject.repository.find_dockerfile(built_from(*compose, service));
      const auto* stage = file ? file->final_stage() : nullptr;
      const auto base = stage ? base_image(*file, *stage) : std::string_view(service.image);
      const auto call = shell_call(service);
      if (!script && call && shell_stays(call->shell, base, call->text))
        found.push_back(at(compose->path, service.command_place, call->text));
    }
  }
}

Findings shell_first(const Subject& subject) {
  auto found = shell_of_images(subject);
  shell_of_services(subject, found);
  return found;
}

/// `wait-for -p 3306`: whom it waits for, not where it listens.
bool is_database_port(std::string_view text) {
  const auto number = text.substr(0, text.find_first_not_of("0123456789"));
  for (const std::string_view port : {"3306", "5432", "6379", "27017", "5672", "1433", "11211"})
    if (number == port) return true;
  return false;
}

/// "0.0.0.0:8000" in what it starts, and no $PORT.
bool has_literal_port(std::string_view text) {
  if (any_of_words(text, {"$PORT", "${PORT", "$port", "${port", "$WEB_PORT"})) return false;
  for (const std::string_view word :
       {"--port", "--server.port", "-p ", "--bind", "-b ", "0.0.0.0:", "runserver"}) {
    for (auto at_word = text.find(word); at_word != std::string_view::npos;
         at_word = text.find(word, at_word + 1)) {
      const auto rest = text.substr(at_word + word.size(), 24);
      const auto digit = rest.find_first_of("0123456789");
      const auto colon = rest.find(':');
      const auto from = colon != std::string_view::npos ? colon + 1 : digit;
      if (from < rest.size() && std::isdigit(static_cast<unsigned char>(rest[from])) &&
          !is_database_port(rest.substr(from)))
        return true;
    }
  }
  return false;
}

Findings fixed_port(const Subject& subject) {
  return for_final_stages(
      subject, [&](const Dockerfile& file, const Stage& stage) -> std::optional<Finding> {
        const auto* command = last_of(file, stage, "CMD");
        if (!command) command = last_of(file, stage, "ENTRYPOINT");
        if (!command || !has_literal_port(start_text(subject.repository, file, stage)))
          return std::nullopt;
        return at(file.path, command->place, command->name + " " + command->text);
      });
}

constexpr std::string_view kDevelopmentTools[] = {
    "pytest",   "flake8", "black",         "pylint",     "mypy",
    "ruff",     "isort",  "pre-commit",    "ipython",    "jupyter",
    "notebook", "sphinx", "pytest-django", "pytest-cov", "django-debug-toolbar",
    "coverage"};

/// `poetry install`, `uv sync`, `pip install .`: what pyproject.toml names, and of its groups for
/// development what is not left out.
struct ProjectInstall {
  bool project = false;
  bool development = false;
};
ProjectInstall project_install(std::string_view text) {
  const bool poetry = text.find("poetry install") != std::string_view::npos;
  const bool uv = text.find("uv sync") != std::string_view::npos;
  const bool pip = any_of_words(text, {"pip install .", "pip install --no-cache-dir ."});
  const bool left_out = any_of_words(
      text, {"--no-dev", "--without dev", "--without=dev", "--only main", "--only=main",
             "--without test", "--no-group", "--no-default-groups", "POETRY_WITHOUT"});
  return {poetry || uv || pip, (poetry || uv) && !left_out};
}

/// A tool for development that a RUN line installs: `-r requirements.txt`, `poetry install`.
const Dependency* development_tool(const Subject& subject, std::string_view text) {
  const auto project = project_install(text);
  for (const auto& manifest : subject.repository.manifests) {
    const bool listed = manifest.kind == ManifestKind::kRequirements &&
                        contains_word(text, file_name(manifest.path));
    const bool own = manifest.kind == ManifestKind::kPyproject && project.project;
    if (!listed && !own) continue;
    for (const auto& each : manifest.dependencies)
      if (std::ranges::find(kDevelopmentTools, each.name) != std::end(kDevelopmentTools) &&
          (!each.development || project.development))
        return &each;
  }
  return nullptr;
}

/// `COPY --from=build /app /app`, where the other stage installed everything in its WORKDIR.
bool is_whole_workdir(const Dockerfile& file, const Stage& from, const Instruction& copy) {
  const auto* workdir = last_of(file, from, "WORKDIR");
  const auto source = copy.text.substr(0, copy.text.find(' '));
  return workdir && (source == workdir->text || source == workdir->text + "/");
}

/// The stage's instructions and those of stages whose installed packages are copied into it.
std::vector<const Instruction*> brought_by(const Dockerfile& file, const Stage& stage) {
  auto all = file.inherited(stage);
  const auto own = all;
  for (const auto* each : own) {
    const auto* from = each->name == "COPY" ? file.find_stage(each->flag("from")) : nullptr;
    if (!from || from == &stage) continue;
    const bool packages = any_of_words(each->text, {"site-packages", "venv", ".local", "/usr/local",
                                                    "node_modules", "/install", "/opt/"});
    if (!packages && !is_whole_workdir(file, *from, *each)) continue;
    const auto more = file.inherited(*from);
    all.insert(all.end(), more.begin(), more.end());
  }
  return all;
}

bool installs_all_of_node(std::string_view line) {
  const auto text = std::string(line) + " ";
  const bool installs =
      any_of_words(text, {"npm ci", "npm install", "npm i ", "npm clean-install", "yarn install",
                          "pnpm install", "pnpm i ", "bun install"}) ||
      is_plain_yarn(line);
  return installs && !any_of_words(text, {"--production", "--omit=dev", "--omit dev", "--only=prod",
                                          "--prod", "-g ", "--global", "NODE_ENV=production"});
}

/// The package.json beside the Dockerfile, else the top one, else any names something for
/// development.
bool has_node_tools(const Subject& subject, const Dockerfile& file) {
  const auto* beside = subject.repository.package_of(folder_of(file.path));
  return std::ranges::any_of(subject.repository.manifests, [&](const Manifest& each) {
    return each.kind == ManifestKind::kNode && (!beside || beside == &each) &&
           std::ranges::any_of(each.dependencies, &Dependency::development);
  });
}

constexpr std::string_view kNodeTools[] = {"nodemon", "jest",        "ts-jest",        "mocha",
                                           "vitest",  "eslint",      "prettier",       "supertest",
                                           "cypress", "ts-node-dev", "@nestjs/testing"};

/// A tool for development among what production needs, so that `--omit=dev` brings it, too.
const Dependency* misplaced_tool(const Subject& subject, const Dockerfile& file) {
  const auto* package = subject.repository.package_of(folder_of(file.path));
  if (!package) return nullptr;
  for (const auto& each : package->dependencies)
    if (!each.development && std::ranges::find(kNodeTools, each.name) != std::end(kNodeTools))
      return &each;
  return nullptr;
}

bool installs_node(const Instruction& each) {
  return each.name == "RUN" &&
         any_of_words(each.text + " ", {"npm ci", "npm install ", "npm i ", "npm clean-install",
                                        "yarn install", "pnpm install", "pnpm i "});
}

/// An image of one stage needs its tools to build; one that takes node_modules from another stage
/// could have left them there.
bool builds_itself(const std::vector<const Instruction*>& own, const Instruction* install) {
  return std::ranges::find(own, install) != own.end() &&
         std::ranges::any_of(own, [](const Instruction* each) {
           return each->name == "RUN" &&
                  any_of_words(each->text, {"npm run build", "yarn build", "pnpm build"});
         });
}

/// What RUN lines install for development, by name or by leaving nothing out.
std::optional<Finding> installed_tools(const Subject& subject, const Dockerfile& file,
                                       const Stage& stage,
                                       const std::vector<const Instruction*>& all) {
  bool production = false;
  bool pruned = false;
  const Instruction* node = nullptr;
  for (const auto* each : all) {
    production |= each->name == "ENV" && each->text.find("NODE_ENV") != std::string::npos &&
                  each->text.find("production") != std::string::npos;
    if (each->name != "RUN") continue;
    pruned |= each->text.find("prune") != std::string::npos;
    if (installs_all_of_node(each->text) && !production) node = each;
    if (const auto* tool = development_tool(subject, each->text))
      return at(file.path, each->place, "installs " + tool->name);
    if (any_of_words(each->text,
                     {"requirements-dev.txt", "requirements_dev.txt", "requirements/dev"}))
      return at(file.path, each->place, "RUN " + each->text);
  }
  if (!node || pruned || builds_itself(file.inherited(stage), node) ||
      !has_node_tools(subject, file))
    return std::nullopt;
  return at(file.path, node->place, "RUN " + node->text);
}

Findings development_dependencies(const Subject& subject) {
  return for_final_stages(
      subject, [&](const Dockerfile& file, const Stage& stage) -> std::optional<Finding> {
        const auto& shipped = ships_last(subject, file) ? file.stages.back() : stage;
        const auto all = brought_by(file, shipped);
        if (auto made = installed_tools(subject, file, shipped, all)) return made;
        const auto* tool = misplaced_tool(subject, file);
        const auto install =
            std::ranges::find_if(all, [](const Instruction* each) { return installs_node(*each); });
        if (!tool || install == all.end()) return std::nullopt;
        return at(file.path, (*install)->place, "installs " + tool->name);
      });
}

/// What is given to an image to run: its CMD, or the `command:` of a service made of it.
std::string arguments_of(const Subject& subject, const Dockerfile& file, const Stage& stage) {
  if (const auto* command = last_of(file, stage, "CMD")) return "CMD " + command->text;
  for (const auto* compose : subject.stack.composes)
    for (const auto& service : compose->services)
      if (service.context && built_from(*compose, service) == file.path &&
          service.entrypoint.empty() && !service.command.empty())
        return "the command of service " + service.name;
  return {};
}

Findings dropped_arguments(const Subject& subject) {
  return for_final_stages(
      subject, [&](const Dockerfile& file, const Stage& stage) -> std::optional<Finding> {
        const auto* entry = last_of(file, stage, "ENTRYPOINT");
        if (!entry) return std::nullopt;
        const auto* command = last_of(file, stage, "CMD");
        if (!entry->json && command && !trim(entry->text).starts_with('['))
          return at(file.path, entry->place,
                    "CMD " + command->text + " is never run: ENTRYPOINT is a shell's line");
        const auto* script = started_script(subject.repository, file, entry->argv());
        if (!script || any_of_words(script->text, {"\"$@\"", "$@", "\"$*\"", "$*"}))
          return std::nullopt;
        const auto last =
            script->script.commands.empty() ? Place{1, 1} : script->script.commands.back().place;
        const auto dropped = arguments_of(subject, file, stage);
        if (!dropped.empty()) return at(script->path, last, dropped + " is never run");
        auto made = at(script->path, last, "what `docker run` is given is never run");
        made.severity = Severity::kInfo;
        made.because = "the image has no CMD that would be lost";
        return made;
      });
}

Findings old_base(const Subject& subject) {
  Findings found;
  for (const auto& file : subject.repository.dockerfiles) {
    for (const auto& stage : file.stages) {
      if (const auto day = image_end(stage.image, subject.today); !day.empty())
        found.push_back(
            at(file.path, stage.place,
               "FROM " + stage.image + ": no security updates since " + std::string(day)));
    }
  }
  for (const auto& compose : subject.repository.composes) {
    for (const auto& service : compose.services) {
      if (const auto day = image_end(service.image, subject.today); !day.empty())
        found.push_back(at(compose.path, service.image_place,
                           service.image + ": no security updates since " + std::string(day)));
    }
  }
  return found;
}

Findings missing_dockerfile(const Subject& subject) {
  Findings found;
  for (const auto& compose : subject.repository.composes) {
    for (const auto& service : compose.services) {
      if (!service.context || service.context->find("://") != std::string::npos ||
          service.context->find('$') != std::string::npos)
        continue;
      const auto context = join_path(folder_of(compose.path), *service.context);
      if (context.empty() && service.context->starts_with("..")) continue;
      const auto path = built_from(compose, service);
      if (path.empty() || path.find('$') != std::string::npos || subject.repository.find(path))
        continue;
      found.push_back(at(compose.path, service.place,
                         service.name + " is built from " + path + ", which does not exist"));
    }
  }
  return found;
}

Findings privileged(const Subject& subject) {
  Findings found;
  for (const auto& compose : subject.repository.composes) {
    for (const auto& service : compose.services) {
      if (service.privileged)
        found.push_back(
            at(compose.path, service.privileged_place, service.name + " is privileged"));
      for (const auto& mount : service.volumes)
        if (mount.source.find("docker.sock") != std::string::npos)
          found.push_back(at(compose.path, mount.place, service.name + " holds Docker's socket"));
    }
  }
  for (const auto& script : subject.repository.scripts)
    for (const auto& each : script.script.commands)
      if (each.name() == "docker" && each.has("--privileged"))
        found.push_back(at(script.path, each.place, each.text));
  return found;
}

constexpr std::array kRules = {
    Rule{"DK-001", Severity::kWarn, "The container runs as root",
         "Whoever breaks out of the app is root in the container, one kernel bug away from the "
         "host.",
         "Make a user and end the Dockerfile with `USER app`.", root_user},
    Rule{"DK-002", Severity::kWarn, "An image without a fixed version",
         "Two builds of one commit differ, and an upgrade arrives unasked.",
         "Write the version, or the digest: `python:3.12-slim`.", latest_tag},
    Rule{"DK-003", Severity::kWarn, "Compilers are in the image that runs",
         "They make it hundreds of megabytes larger and help an intruder.",
         "Build in a stage of its own and copy the result (`COPY --from=build`).", compilers},
    Rule{"DK-004", Severity::kMajor, "The image starts nothing that serves",
         "The container ends at once, or idles, and both look like a deploy that worked.",
         "End with a CMD that serves HTTP.", no_command},
    Rule{"DK-005", Severity::kMajor, "A shell stays process 1 and swallows SIGTERM",
         "Measured: a shell as process 1 ignores SIGTERM, so every stop waits for SIGKILL and cuts "
         "requests.",
         "`exec` the server in the script's last line, or use the exec form of CMD.", shell_first},
    Rule{"DK-006", Severity::kInfo, "The port is fixed",
         "A platform that chooses the port by $PORT cannot; two instances on one network collide.",
         "`CMD gunicorn --bind 0.0.0.0:${PORT:-8000} ...`, or `port:` in ecluse.yml.", fixed_port},
    Rule{"DK-007", Severity::kWarn, "Development dependencies are in the image",
         "Test and lint tools make it larger and widen what must be kept up to date.",
         "Split requirements-dev.txt off, or `npm ci --omit=dev`.", development_dependencies},
    Rule{"DK-008", Severity::kMajor, "The entrypoint drops its arguments",
         "CMD, and whatever is given to `docker run`, is silently ignored.",
         "End the script with `exec \"$@\"`.", dropped_arguments},
    Rule{"DK-009", Severity::kWarn, "A base image past its end of life",
         "It gets no security updates any more.", "Move to a supported version.", old_base},
    Rule{"DK-010", Severity::kMajor, "A Dockerfile is missing",
         "The build named in the compose file fails.", "Add it, or correct `build:`.",
         missing_dockerfile},
    Rule{
        "DK-011", Severity::kMajor, "A container with the host's rights",
        "A privileged container, or one that holds Docker's socket, is root on the host.",
        "Give the one capability it needs (`cap_add`), or a socket proxy that allows reading only.",
        privileged},
};

}  // namespace

std::span<const Rule> docker_rules() {
  return kRules;
}

}  // namespace ecluse::preflight
