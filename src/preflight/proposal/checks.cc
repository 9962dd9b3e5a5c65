#include "preflight/proposal/checks.h"

#include <algorithm>
#include <array>

#include "base/text.h"
#include "preflight/facts/text_file.h"
#include "preflight/rules/step.h"

namespace ecluse::preflight {

namespace {

/// Programs that judge source or run tests, and the package that brings each.
struct Tool {
  std::string_view program;
  std::string_view package;
  bool tests = false;
};
constexpr std::array kTools = {Tool{"flake8", "flake8"},      Tool{"ruff", "ruff"},
                               Tool{"black", "black"},        Tool{"isort", "isort"},
                               Tool{"mypy", "mypy"},          Tool{"pylint", "pylint"},
                               Tool{"pytest", "pytest", true}};

const Tool* tool_of(std::string_view program) {
  const auto found = std::ranges::find(kTools, program, &Tool::program);
  return found == kTools.end() ? nullptr : &*found;
}

/// `poetry run python -m pytest -q` without what ecluse's own environment makes needless.
std::vector<std::string> bare_words(const ShellCommand& command) {
  auto words = command.words;
  const auto drop = [&](std::initializer_list<std::string_view> prefix) {
    if (words.size() > prefix.size() &&
        std::equal(prefix.begin(), prefix.end(), words.begin(), words.begin() + prefix.size()))
      words.erase(words.begin(), words.begin() + static_cast<std::ptrdiff_t>(prefix.size()));
  };
  drop({"poetry", "run"});
  drop({"uv", "run"});
  drop({"pipenv", "run"});
  drop({"python", "-m"});
  drop({"python3", "-m"});
  return words;
}

/// What a shell would have to fill in, or what only a pipeline has.
bool is_plain(const std::vector<std::string>& words) {
  return std::ranges::none_of(words, [](const std::string& word) {
    return word.find_first_of("$`|&;<>*") != std::string::npos ||
           word.find("XXX") != std::string::npos;
  });
}

bool names_service(std::string_view name) {
  for (const std::string_view part : {"DATABASE", "DB_", "POSTGRES", "MYSQL", "REDIS", "MONGO"})
    if (name.find(part) != std::string_view::npos) return true;
  return false;
}

/// Sentry, say, ends the program at an address that is none; without one it is silent.
bool names_address(std::string_view name) {
  return name.find("DSN") != std::string_view::npos || name.ends_with("URL") ||
         name.ends_with("URI");
}

/// "CI=1 KEY=ci-only " in front of the command: what the pipeline gave it, but for addresses from
/// its secrets. Nothing when it gave it the address of a service.
std::optional<std::string> variables_of(const Workflow& flow, const WorkflowJob& job,
                                        const WorkflowStep& step) {
  std::string text;
  for (const auto* list : {&flow.env, &job.env, &step.env}) {
    for (const auto& each : *list) {
      if (names_service(each.key)) return std::nullopt;
      const bool given = each.value.text.find("${{") != std::string::npos;
      if (given && names_address(each.key)) continue;
      const auto value = given ? std::string("ci-only") : each.value.text;
      const bool word = !value.empty() && std::ranges::all_of(value, [](unsigned char c) {
        return std::isalnum(c) || c == '_' || c == '-' || c == '.';
      });
      if (word) text += each.key + "=" + value + " ";
    }
  }
  return text;
}

bool is_python_check(const Repository& repository, const std::vector<std::string>& words) {
  if (words.empty() || !is_plain(words)) return false;
  const bool django =
      words.size() > 2 && words[0] == "python" && words[1] == "manage.py" && words[2] == "test";
  const auto* tool = tool_of(words[0]);
  return django || (tool && repository.find_dependency(tool->package));
}

bool is_node_check(const Repository& repository, const std::vector<std::string>& words) {
  if (words.size() < 2 || words[0] != "npm" || !is_plain(words)) return false;
  const auto& name = words[1] == "run" && words.size() > 2 ? words[2] : words[1];
  if (name != "test" && name != "lint") return false;
  return std::ranges::any_of(repository.manifests, [&](const Manifest& manifest) {
    const auto* script = manifest.find_script(name);
    return folder_of(manifest.path).empty() && script &&
           script->command.find("no test specified") == std::string::npos;
  });
}

/// `exclude = a,b` below [flake8] in the settings.
std::string excluded_by_settings(const Repository& repository) {
  for (const auto* path : {"setup.cfg", ".flake8", "tox.ini"}) {
    bool inside = false;
    for (const auto line : lines_of(repository.text(path))) {
      if (line.starts_with('[')) inside = line.starts_with("[flake8]");
      const auto equals = line.find('=');
      if (!inside || equals == std::string_view::npos || trim(line.substr(0, equals)) != "exclude")
        continue;
      std::string list(line.substr(equals + 1));
      std::erase(list, ' ');  // it becomes one word
      return list;
    }
  }
  return {};
}

/// --extend-exclude came with 3.8; one that is pinned below gets the whole list.
bool extends_exclude(const Repository& repository) {
  const auto* flake8 = repository.find_dependency("flake8");
  if (!flake8) return true;
  for (const std::string_view old :
       {"==2.", "==3.0", "==3.1.", "==3.2", "==3.3", "==3.4", "==3.5", "==3.6", "==3.7"})
    if (flake8->version.starts_with(old)) return false;
  return true;
}

/// The environment that ecluse makes lies in the source tree, at .venv, and flake8 knows no such
/// name: it would judge every package that is installed.
void spare_environment(const Repository& repository, std::vector<std::string>& words) {
  const bool named = std::ranges::any_of(
      words, [](const auto& word) { return word.find(".venv") != std::string::npos; });
  if (words[0] != "flake8" || named) return;
  if (extends_exclude(repository)) {
    words.emplace_back("--extend-exclude=.venv");
    return;
  }
  const auto list = excluded_by_settings(repository);
  words.push_back("--exclude=" + list + (list.empty() ? "" : ",") + ".git,.venv");
}

void add(Proposal& out, Proven check) {
  const bool there = std::ranges::any_of(
      out.checks, [&](const Proven& each) { return each.value == check.value; });
  if (!there) out.checks.push_back(std::move(check));
}

/// What reads a database where there is one; a linter does not.
bool is_test_run(const std::vector<std::string>& words) {
  return words[0] == "pytest" || words[0] == "coverage" ||
         std::ranges::find(words, "test") != words.end();
}

void checks_of_step(const Repository& repository, const Workflow& flow, const WorkflowJob& job,
                    const WorkflowStep& step, Proposal& out) {
  if (step.continue_on_error || job.continue_on_error) return;
  for (const auto& command : step.script.commands) {
    if (command.name() == "cd") return;  // what follows stands in another folder
    auto words = bare_words(command);
    const bool runs = is_python_check(repository, words) || is_node_check(repository, words);
    if (!runs || !command.or_else.empty() || command.piped || command.function) continue;
    spare_environment(repository, words);
    const Evidence why{flow.path, command.place, command.text};
    const auto variables = variables_of(flow, job, step);
    if (!variables || (job.services && is_test_run(words)))
      out.gaps.push_back({"`" + join(words, " ") + "` of the pipeline needs a service",
                          "checks run without one: add it to `checks:` when it can do without",
                          why});
    else
      add(out, {*variables + join(words, " "), why});
  }
}

/// [flake8] of setup.cfg, package.json's `lint`: whether the code passes, no pipeline says, and a
/// first deploy must not fail for its layout.
void note_unproven_checks(const Repository& repository, Proposal& out) {
  const auto note = [&](const std::string& command, Evidence why) {
    out.gaps.push_back({"no pipeline runs `" + command + "`",
                        "add it to `checks:` when the code passes", std::move(why)});
  };
  constexpr std::array kSigns = {std::pair{"flake8", "[flake8]"},
                                 std::pair{"flake8", "[tool.flake8]"},
                                 std::pair{"ruff", "[tool.ruff"}};
  for (const auto* path : {"setup.cfg", ".flake8", "tox.ini", "pyproject.toml"})
    for (const auto& [tool, sign] : kSigns)
      if (repository.text(path).find(sign) != std::string_view::npos &&
          repository.find_dependency(tool))
        note(tool, {path, {1, 1}, sign});
  for (const auto& manifest : repository.manifests)
    if (const auto* lint = manifest.find_script("lint"); lint && folder_of(manifest.path).empty())
      note("npm run lint", {manifest.path, lint->place, lint->command});
}

}  // namespace

void propose_checks(const Repository& repository, Proposal& out) {
  for (const auto& flow : repository.workflows)
    for (const auto& job : flow.jobs)
      for (const auto& step : job.steps) checks_of_step(repository, flow, job, step, out);
  if (out.checks.empty()) note_unproven_checks(repository, out);
}

}  // namespace ecluse::preflight
