// ENV-001..005: variables.

#include <algorithm>
#include <array>
#include <cctype>
#include <set>

#include "base/text.h"
#include "preflight/rules/rule.h"

namespace ecluse::preflight {

namespace {

bool is_given(const Subject& subject, const std::string& name) {
  const auto& environment = *subject.environment;
  if (environment.env.contains(name) || name == "PORT" || name == "HOME" || name == "PATH")
    return true;
  if (std::ranges::find(environment.secrets, name) != environment.secrets.end()) return true;
  for (const auto& process : environment.processes)
    if (process.env.contains(name)) return true;
  return false;
}

bool is_service_variable(std::string_view name) {
  for (const std::string_view part : {"DATABASE", "DB_", "POSTGRES", "PG", "SQL_", "MYSQL", "REDIS",
                                      "CACHE_URL", "CELERY_BROKER", "MONGO", "BROKER_URL"})
    if (name.find(part) != std::string_view::npos) return true;
  return false;
}

Findings variable_missing(const Subject& subject) {
  Findings found;
  if (!subject.environment) return found;
  std::set<std::string> said;
  for (const auto& file : subject.repository.code) {
    if (!is_production_code(file)) continue;
    for (const auto& read : file.reads) {
      const bool demanded =
          read.required && read.scope.function.empty() && !is_for_development(read.scope);
      if (!demanded || is_service_variable(read.name) || is_given(subject, read.name)) continue;
      if (!said.insert(read.name).second) continue;
      auto made = at(file.path, read.place, read.name + " is demanded and not set");
      made.because =
          "neither env nor secrets of " + subject.environment->name + " in ecluse.yml name it";
      found.push_back(std::move(made));
    }
  }
  return found;
}

Findings file_absent(const Subject& subject) {
  Findings found;
  for (const auto& compose : subject.repository.composes) {
    for (const auto& service : compose.services) {
      for (const auto& [file, place] : service.env_files) {
        const auto path = join_path(folder_of(compose.path), file);
        if (path.empty() || file.find('$') != std::string::npos || subject.repository.find(path))
          continue;
        const bool example =
            std::ranges::any_of(subject.repository.env_files, [&](const EnvFile& each) {
              return each.example && folder_of(each.path) == folder_of(path);
            });
        auto made = at(compose.path, place, path + " does not exist");
        if (example) {
          made.severity = Severity::kInfo;
          made.because = "an example of it is committed";
        }
        found.push_back(std::move(made));
      }
    }
  }
  return found;
}

bool is_internal_url(std::string_view text) {
  for (const std::string_view start :
       {"http://localhost", "https://localhost", "http://127.0.0.1", "ws://localhost",
        "http://0.0.0.0", "http://192.168.", "http://10."})
    if (text.starts_with(start)) return true;
  if (!text.starts_with("http://")) return false;
  // "http://api:8000", "http://nginx/api": a service of the compose file.
  const auto host = text.substr(7, text.substr(7).find_first_of(":/"));
  const bool name = !host.empty() && std::isalpha(static_cast<unsigned char>(host[0])) &&
                    std::ranges::all_of(host, [](unsigned char c) {
                      return std::isalnum(c) || c == '-' || c == '_';
                    });
  return name && host.size() < text.size() - 7;
}

bool is_browser_variable(std::string_view name) {
  for (const std::string_view prefix :
       {"NEXT_PUBLIC_", "VITE_", "REACT_APP_", "NUXT_PUBLIC_", "GATSBY_"})
    if (name.starts_with(prefix)) return true;
  return false;
}

bool runs_in_browser(const Subject& subject, const CodeFile& file) {
  if (file.language != Language::kJavaScript || file.test) return false;
  if (any_of_words(file_name(file.path), {"config.", "server", "setup", "proxy"})) return false;
  for (const auto& manifest : subject.repository.manifests) {
    const bool front = manifest.kind == ManifestKind::kNode &&
                       (manifest.find("react") || manifest.find("vue") || manifest.find("next") ||
                        manifest.find("svelte") || manifest.find("@angular/core"));
    const auto folder = folder_of(manifest.path);
    if (front &&
        (folder.empty() ? any_of_words(file.path, {"src/", "app/", "pages/", "components/", "lib/"})
                        : file.path.starts_with(std::string(folder) + "/")))
      return !any_of_words(file.path, {"/server/", "backend/", "api/route"});
  }
  return any_of_words(file.path, {"static/", "public/", "assets/"});
}

/// `RUN echo "VITE_API=http://localhost:5000" > .env`: the first such assignment in a command.
std::optional<std::string> written_address(std::string_view command) {
  for (const auto& word : split(command, ' ')) {
    const auto from = word.find_first_not_of("\"'");
    const auto equals = word.find('=');
    if (from == std::string::npos || equals == std::string::npos || equals < from) continue;
    const auto value =
        word.substr(equals + 1, word.find_first_of("\"'\\;|&>", equals + 1) - equals - 1);
    if (is_browser_variable(word.substr(from, equals - from)) && is_internal_url(value))
      return word.substr(from, equals - from) + "=" + value;
  }
  return std::nullopt;
}

void internal_values(const std::string& path, const Value& value, Findings& found) {
  if (value.kind == ValueKind::kString && is_internal_url(value.text))
    found.push_back(at(path, value.place, value.text));
  for (const auto& item : value.items) internal_values(path, item.value, found);
}

bool says_development(const EnvFile& file) {
  return std::ranges::any_of(file.lines, [](const EnvLine& line) {
    return line.name == "NODE_ENV" && line.value == "development";
  });
}

Findings internal_address(const Subject& subject) {
  Findings found;
  for (const auto& file : subject.repository.code) {
    if (!runs_in_browser(subject, file)) continue;
    for (const auto& each : file.assignments) internal_values(file.path, each.value, found);
    for (const auto& call : file.calls) internal_values(file.path, call.value, found);
    for (const auto& read : file.reads)
      if (!(subject.environment && is_given(subject, read.name)) && read.fallback &&
          read.fallback->kind == ValueKind::kString && is_internal_url(read.fallback->text))
        found.push_back(
            at(file.path, read.place, read.name + " falls back to " + read.fallback->text));
  }
  for (const auto* compose : subject.stack.composes) {
    for (const auto& service : compose->services) {
      for (const auto* list : {&service.environment, &service.build_arguments})
        for (const auto& variable : *list)
          if (is_browser_variable(variable.name) && variable.value &&
              is_internal_url(*variable.value))
            found.push_back(
                at(compose->path, variable.place, variable.name + "=" + *variable.value));
    }
  }
  for (const auto* file : subject.stack.dockerfiles)
    for (const auto& stage : file->stages)
      for (const auto& each : stage.instructions) {
        if (const auto written = each.name == "RUN" ? written_address(each.text) : std::nullopt)
          found.push_back(at(file->path, each.place, *written));
        if (each.name != "ENV" && each.name != "ARG") continue;
        for (const auto& [name, value] : assignments_of(each))
          if (is_browser_variable(name) && is_internal_url(value))
            found.push_back(at(file->path, each.place, name + "=" + value));
      }
  for (const auto& file : subject.repository.env_files) {
    if (file.example || is_development_path(file.path) || is_test_path(file.path) ||
        says_development(file))
      continue;
    for (const auto& line : file.lines)
      if (is_browser_variable(line.name) && is_internal_url(line.value))
        found.push_back(at(file.path, line.place, line.name + "=" + line.value));
  }
  // Several reads on one line are one mistake.
  std::ranges::sort(found, {}, [](const Finding& each) { return std::tie(each.path, each.place); });
  const auto repeated = std::ranges::unique(found, [](const Finding& a, const Finding& b) {
    return a.path == b.path && a.place.line == b.place.line;
  });
  found.erase(repeated.begin(), repeated.end());
  return found;
}

/// "REDIS_PASSWORD" of "redis://:${REDIS_PASSWORD:-changeme}@redis": the secret that has a default,
/// or is given to a variable that is one; "" when there is none.
std::string defaulted_secret(std::string_view text, std::string_view given_to) {
  for (auto begin = text.find("${"); begin != std::string_view::npos;
       begin = text.find("${", begin + 1)) {
    const auto close = text.find('}', begin);
    const auto name_end = text.find_first_of(":-}", begin);
    if (close == std::string_view::npos || name_end == close) continue;
    const auto name = text.substr(begin + 2, name_end - begin - 2);
    const auto rest = text.substr(name_end, close - name_end);
    const bool filled =
        (rest.starts_with(":-") && rest.size() > 2) || (rest.starts_with('-') && rest.size() > 1);
    if (filled && (is_secret_name(name) || is_secret_name(given_to))) return std::string(name);
  }
  return {};
}

Findings weak_default(const Subject& subject) {
  Findings found;
  for (const auto& compose : subject.repository.composes) {
    for (const auto& service : compose.services) {
      for (const auto& variable : service.environment)
        if (variable.value && !defaulted_secret(*variable.value, variable.name).empty())
          found.push_back(at(compose.path, variable.place,
                             service.name + ": " + variable.name + " has a default in the file"));
      const auto name = defaulted_secret(join(service.command, " "), "");
      if (!name.empty())
        found.push_back(at(compose.path, service.command_place,
                           service.name + ": " + name + " has a default in its command"));
    }
  }
  return found;
}

/// "SECRET_KEY" of `if not SECRET_KEY`, `if (!SECRET)`; "" for other conditions.
std::string negated_name(std::string_view condition) {
  auto bare = trim(condition);
  while (bare.starts_with('(') && bare.ends_with(')')) bare = trim(bare.substr(1, bare.size() - 2));
  if (bare.starts_with("not "))
    bare = trim(bare.substr(4));
  else if (bare.starts_with('!'))
    bare = trim(bare.substr(1));
  else if (bare.ends_with(" is None"))
    bare = trim(bare.substr(0, bare.size() - 8));
  else
    return {};
  if (bare.starts_with("process.env[")) return std::string(bare);
  const bool plain = std::ranges::all_of(
      bare, [](unsigned char c) { return std::isalnum(c) || c == '_' || c == '.'; });
  return plain ? std::string(bare) : std::string{};
}

/// Was the name given a variable's value?
bool holds_variable(const CodeFile& file, std::string_view name) {
  if (name.starts_with("process.env.") || name.starts_with("process.env[")) return true;
  return std::ranges::any_of(file.assignments, [&](const Assignment& each) {
    return each.target == name && read_within(file, each) != nullptr;
  });
}

/// What calls a function of the project's own that raises for want of a variable, while importing.
void raising_readers(const CodeFile& file, Findings& found) {
  for (const auto& reader : file.readers) {
    const auto raise = std::ranges::find_if(
        file.raises, [&](const Raise& each) { return each.scope.function == reader.function; });
    const bool called = std::ranges::any_of(file.calls, [&](const Call& call) {
      return call.callee() == reader.function && call.scope.function.empty();
    });
    if (raise != file.raises.end() && called)
      found.push_back(at(file.path, raise->place, raise->text));
  }
}

Findings raise_at_import(const Subject& subject) {
  Findings found;
  for (const auto& file : subject.repository.code) {
    // Alembic's own env.py is run by migrations alone.
    if (!is_production_code(file) || file.imports_module("alembic")) continue;
    raising_readers(file, found);
    for (const auto& each : file.raises) {
      const bool said = any_of_words(each.text, {"environ", "variable", "not set", "is required",
                                                 "must be set", "ImproperlyConfigured"});
      const auto name = negated_name(each.scope.condition);
      const bool asked = !name.empty() && holds_variable(file, name);
      const bool imports = each.scope.function.empty() && !each.scope.handler;
      const bool python = file.language == Language::kPython;
      if (imports && !each.scope.condition.empty() && (asked || (python && said)))
        found.push_back(at(file.path, each.place, each.text));
    }
  }
  return found;
}

constexpr std::array kRules = {
    Rule{"ENV-001", Severity::kBlock, "A variable that the app demands is missing",
         "The app stops while it starts.",
         "Add it to `env:`, or to `secrets:` and `ecluse secret set NAME`.", variable_missing},
    Rule{"ENV-002", Severity::kWarn, "An env file is absent",
         "`docker compose up` stops on a fresh clone.",
         "Commit an example and say so in the README, or `required: false`.", file_absent},
    Rule{"ENV-003", Severity::kBlock, "An internal address is shipped to browsers",
         "The visitor's browser asks the visitor's own machine, and every call fails.",
         "Use a relative path (`/api`), or a public address given when building.",
         internal_address},
    Rule{"ENV-004", Severity::kMajor, "A secret has a default in the compose file",
         "When the variable is missing everything starts, with a password everybody knows.",
         "`${NAME:?}` stops instead.", weak_default},
    Rule{"ENV-005", Severity::kInfo, "Importing the module fails without a variable",
         "Commands that need no such variable, as collectstatic or the tests, fail as well.",
         "Check it where it is used, or give the build a harmless value.", raise_at_import},
};

}  // namespace

std::span<const Rule> environment_rules() {
  return kRules;
}

}  // namespace ecluse::preflight
