// HC-001..006: does a health check exist, can it run, does it mean anything.

#include <algorithm>
#include <array>

#include "base/text.h"
#include "preflight/rules/image.h"
#include "preflight/rules/rule.h"
#include "preflight/rules/step.h"

namespace ecluse::preflight {

namespace {

Findings no_health_route(const Subject& subject) {
  const auto& stack = subject.stack;
  if (!stack.serves || !stack.health.empty()) return {};
  const bool only_streamlit = std::ranges::all_of(stack.applications, [](const Application& each) {
    return each.framework == Framework::kStreamlit;
  });
  if (stack.djangos.empty() && only_streamlit) return {};  // Streamlit has /_stcore/health
  if (!stack.djangos.empty())
    return {at(stack.djangos.front().manage, {1, 1}, "no route of a health page")};
  for (const auto& each : stack.applications) {
    if (each.framework != Framework::kStreamlit)
      return {at(each.path, each.place, "no route of a health page")};
  }
  return {};
}

/// `image: ${IMAGE}` beside the only Dockerfile: what a pipeline has built of it.
bool runs_image_of(const Subject& subject, const ComposeService& service) {
  return !service.context && service.image.starts_with('$') &&
         subject.stack.dockerfiles.size() == 1;
}

/// A pipeline builds `file` under the name of this image: `docker build -t me/shop:$SHA ./shop`.
bool builds_as(const Subject& subject, const Dockerfile& file, std::string_view image) {
  const auto is_this = [&](std::string_view context, std::string_view path, std::string_view tags) {
    const auto made =
        path.empty() ? join_path(join_path("", context), "Dockerfile") : join_path("", path);
    return made == file.path && tags.find("/" + std::string(name_of(image)) + ":") != tags.npos;
  };
  for (const auto& flow : subject.repository.workflows)
    for (const auto& job : flow.jobs)
      for (const auto& step : job.steps) {
        if (step.uses.find("build-push-action") != std::string::npos &&
            is_this(step.input("context"), step.input("file"), step.input("tags")))
          return true;
        for (const auto& each : step.script.commands)
          if (each.name() == "docker" && each.has("build") &&
              is_this(each.words.back(), "", each.text))
            return true;
      }
  return false;
}

bool compose_checks(const Subject& subject, const Dockerfile& file) {
  for (const auto& compose : subject.repository.composes)
    for (const auto& service : compose.services)
      if (service.has_health &&
          (built_from(compose, service) == file.path || runs_image_of(subject, service) ||
           (!service.context && builds_as(subject, file, service.image))))
        return true;
  return false;
}

/// `CMD cp -r build /shared`: it gives its files away and ends.
bool only_copies(std::string_view command) {
  if (command.starts_with("sh -c ")) command = trim(command.substr(6));
  for (const std::string_view tool : {"cp ", "mv ", "rsync ", "tar "})
    if (command.starts_with(tool)) return command.find_first_of("&;|") == std::string_view::npos;
  return false;
}

/// `certbot renew`, `node -v`: an image of a tool or a job; there is nothing to ask.
bool ends_by_itself(const Subject& subject, const Dockerfile& file, const Stage& stage) {
  const ScriptFile* script = nullptr;
  for (const auto* each : file.inherited(stage)) {
    if (each->name == "EXPOSE") return false;
    if (each->name == "CMD" || each->name == "ENTRYPOINT")
      script = started_script(subject.repository, file, each->argv());
  }
  const auto text = start_text(subject.repository, file, stage);
  if (only_copies(text)) return true;
  const bool job =
      (script && ends_with_words(script->script)) ||
      any_of_words(text, {"certbot", "--version", " -v", "migrate", "pytest", "cypress", "seed"});
  return job && !any_of_words(text, {"gunicorn", "uvicorn", "daphne", "hypercorn", "runserver",
                                     "nginx", "start", "serve", "flask run", "streamlit"});
}

Findings no_healthcheck(const Subject& subject) {
  Findings found;
  for (const auto* file : subject.stack.dockerfiles) {
    const auto* stage = file->final_stage();
    if (!stage || compose_checks(subject, *file) || ends_by_itself(subject, *file, *stage))
      continue;
    bool checks = false;
    for (const auto* each : file->inherited(*stage))
      checks |= each->name == "HEALTHCHECK" && to_lower(each->text) != "none";
    if (!checks) found.push_back(at(file->path, stage->place, "no HEALTHCHECK"));
  }
  return found;
}

/// Does the image bring `tool`? Slim and alpine images have no curl; alpine's busybox has wget.
bool has_tool(const Dockerfile& file, const Stage& stage, std::string_view tool) {
  for (const auto* each : file.inherited(stage)) {
    const auto& text = each->heredoc.empty() ? each->text : each->heredoc;
    const bool installs = each->name == "RUN" && any_of_words(text, {"install", "apk add"});
    if (installs && contains_word(text, tool)) return true;
  }
  const Stage* base = &stage;
  while (const auto* next = file.find_stage(base->image)) {
    if (next >= base) break;
    base = next;
  }
  const auto& image = base->image;
  if (image.find("alpine") != std::string::npos) return tool == "wget";
  if (image.find("slim") != std::string::npos || image.find("distroless") != std::string::npos)
    return false;
  const bool full = any_of_words(image, {"python", "node", "golang", "ruby", "buildpack"});
  return full || !any_of_words(image, {"debian", "ubuntu"});
}

std::string_view tool_of(std::string_view check) {
  for (const std::string_view tool : {"curl", "wget"})
    if (contains_word(check, tool)) return tool;
  return {};
}

Findings missing_tool(const Subject& subject) {
  Findings found;
  for (const auto* file : subject.stack.dockerfiles) {
    const auto* stage = file->final_stage();
    if (!stage) continue;
    const auto* check = stage->last("HEALTHCHECK");
    const auto tool = check ? tool_of(check->text) : std::string_view{};
    if (!tool.empty() && !has_tool(*file, *stage, tool))
      found.push_back(at(file->path, check->place, stage->image + " has no " + std::string(tool)));
  }
  for (const auto* compose : subject.stack.composes) {
    for (const auto& service : compose->services) {
      const auto tool = tool_of(service.health_test);
      if (!service.context || tool.empty()) continue;
      const auto* file = subject.repository.find_dockerfile(built_from(*compose, service));
      const auto* stage = file ? file->final_stage() : nullptr;
      if (file && !service.target.empty() && file->find_stage(service.target))
        stage = file->find_stage(service.target);
      if (stage && !has_tool(*file, *stage, tool))
        found.push_back(at(compose->path, service.health_place,
                           stage->image + " of " + service.name + " has no " + std::string(tool)));
    }
  }
  return found;
}

bool asks_public(std::string_view text) {
  const auto scheme = text.find("://");
  if (scheme == std::string_view::npos) return false;
  const auto host = text.substr(scheme + 3, text.substr(scheme + 3).find_first_of("/:\"' $"));
  return host.find('.') != std::string_view::npos && !host.starts_with("127.") &&
         host != "0.0.0.0" && !host.ends_with(".local") && !host.ends_with(".internal");
}

Findings public_probe(const Subject& subject) {
  Findings found;
  for (const auto& compose : subject.repository.composes)
    for (const auto& service : compose.services)
      if (asks_public(service.health_test))
        found.push_back(at(compose.path, service.health_place, service.health_test));
  for (const auto& file : subject.repository.dockerfiles)
    for (const auto& stage : file.stages)
      for (const auto& each : stage.instructions)
        if (each.name == "HEALTHCHECK" && asks_public(each.text))
          found.push_back(at(file.path, each.place, each.text));
  return found;
}

bool greps_healthy(const ShellCommand& each) {
  if (each.name() != "grep" && each.name() != "egrep") return false;
  for (std::size_t i = 1; i < each.words.size(); ++i) {
    if (each.words[i] == "-w" || each.words[i] == "-x" || each.words[i] == "-v") return false;
    if (each.words[i].starts_with('-') && !each.words[i].starts_with("--") &&
        each.words[i].find_first_of("wx") != std::string::npos)
      return false;
    if (to_lower(each.words[i]) == "healthy") return true;
  }
  return false;
}

Findings hollow_grep(const Subject& subject) {
  Findings found;
  const auto look = [&](const std::string& path, const ShellScript& script) {
    for (const auto& each : script.commands) {
      if (greps_healthy(each)) found.push_back(at(path, each.place, each.text));
    }
  };
  for (const auto& script : subject.repository.scripts) look(script.path, script.script);
  for (const auto& flow : subject.repository.workflows)
    for (const auto& job : flow.jobs)
      for (const auto& step : job.steps)
        for_scripts(step, [&](const ShellScript& script, auto) { look(flow.path, script); });
  for (const auto& [path, text] : subject.repository.texts) {
    if (file_name(path) != "Makefile") continue;
    auto lines =
        lines_like(subject.repository, path, [](std::string_view line) -> std::optional<int> {
          const auto column = line.find("grep");
          if (column == std::string_view::npos) return std::nullopt;
          for (const auto& each : read_shell(trim(line)).commands)
            if (greps_healthy(each)) return static_cast<int>(column) + 1;
          return std::nullopt;
        });
    found.insert(found.end(), lines.begin(), lines.end());
  }
  return found;
}

bool declares_database(const Manifest& manifest) {
  for (const auto* name : {"sqlalchemy",     "flask-sqlalchemy",
                           "psycopg2",       "psycopg2-binary",
                           "psycopg",        "pymongo",
                           "mongoose",       "prisma",
                           "@prisma/client", "pg",
                           "sequelize",      "mysql2",
                           "asyncpg",        "motor",
                           "sqlmodel",       "typeorm",
                           "knex",           "drizzle-orm",
                           "mongodb",        "pymysql",
                           "tortoise-orm"})
    if (manifest.find(name)) return true;
  // A package of the project's own may hold the database for this one.
  return std::ranges::any_of(manifest.dependencies, [](const Dependency& each) {
    return each.version.starts_with("workspace:") || each.version.starts_with("file:");
  });
}

bool uses_database(const Subject& subject) {
  for (const auto& django : subject.stack.djangos)
    if (django.setting("DATABASES")) return true;
  return std::ranges::any_of(subject.repository.manifests, declares_database);
}

/// A part of the repository with manifests of its own, none of which has a database.
bool is_part_without_database(const Subject& subject, std::string_view path) {
  for (auto folder = folder_of(path); !folder.empty(); folder = folder_of(folder)) {
    bool any = false;
    bool database = false;
    for (const auto& manifest : subject.repository.manifests) {
      const auto of = folder_of(manifest.path);
      if (of != folder && of != std::string(folder) + "/requirements") continue;
      any = true;
      database |= declares_database(manifest);
    }
    if (any) return !database;
  }
  return false;
}

bool touches_database(const CodeFile& file, const std::string& handler) {
  for (const auto& call : file.calls) {
    const bool inside = call.scope.function == handler || call.scope.type == handler;
    if (inside && any_of_words(call.callee(),
                               {"execute", "cursor", "connection", "objects", "session", "query",
                                "ping", "ensure_connection", "admin.command", "$queryRaw",
                                "authenticate", "raw", "check", "count", "findOne", "select"}))
      return true;
  }
  return false;
}

/// `(req, res) => res.json({ok: true})`: all of it stands in the route.
bool is_hollow_function(std::string_view text) {
  const bool whole = text.size() < kValueBytesMax;
  const bool answers = any_of_words(text, {".json(", ".send(", ".sendStatus(", ".end(", "return",
                                           "JsonResponse(", "HttpResponse("});
  return whole && answers && text.find("await") == std::string_view::npos &&
         !any_of_words(to_lower(text), {"prisma", "query", "mongoose", "sequelize", "pool", "db.",
                                        "knex", "redis", "next(", "check"});
}

/// The file that defines the handler: routes often stand apart from views.
const CodeFile* definition_of(const Subject& subject, const HealthRoute& health) {
  const CodeFile* best = nullptr;
  for (const auto& file : subject.repository.code) {
    if (file.test) continue;
    for (const auto& made : file.definitions)
      if (made.name == health.handler &&
          (!best || file.path == health.path || folder_of(file.path) == folder_of(health.path)))
        best = &file;
  }
  return best;
}

/// `/health` beside a `/db-health` that asks: one says the process lives, the other that it works.
bool has_asking_sibling(const Subject& subject, const HealthRoute& health) {
  return std::ranges::any_of(subject.stack.health, [&](const HealthRoute& other) {
    if (other.path != health.path || other.route == health.route || other.handler.empty())
      return false;
    const auto* file = definition_of(subject, other);
    return file && touches_database(*file, other.handler);
  });
}

/// `return {"database": database}, 200`: nothing in it can say that something failed.
bool says_well(std::string_view returned) {
  if (returned.empty() || returned.size() >= kValueBytesMax ||
      any_of_words(returned, {"code", " if ", "50", "HTTP_", "make_response", "return Response("}))
    return false;
  const auto status = returned.find("status=");
  if (status != std::string_view::npos && !returned.substr(status + 7).starts_with("200"))
    return false;
  const auto behind = trim(returned.substr(returned.find_last_of(")}]") + 1));
  return behind.empty() || behind == ", 200";
}

/// `except Exception: database = "down"`, and the same answer for both behind it.
bool swallows_failure(const CodeFile& file, const std::string& handler) {
  const auto made = std::ranges::find_if(
      file.definitions, [&](const Definition& each) { return each.name == handler && !each.type; });
  if (made == file.definitions.end() || made->handles || !says_well(made->returned)) return false;
  const auto inside = [&](const Scope& scope) { return scope.function == handler; };
  bool says = false;
  for (const auto& each : file.assignments) {
    if (!inside(each.scope) || !each.scope.handler) continue;
    const bool text = each.value.kind == ValueKind::kString;
    if (!text || each.target.find("code") != std::string::npos) return false;
    says = true;
  }
  const bool asks_unguarded = std::ranges::any_of(file.calls, [&](const Call& call) {
    return inside(call.scope) && !call.scope.guarded &&
           any_of_words(call.callee(), {"execute", "abort", "ping", "check"});
  });
  const bool fails =
      std::ranges::any_of(file.calls,
                          [&](const Call& call) {
                            return inside(call.scope) && call.scope.handler &&
                                   any_of_words(call.callee(), {"abort", "exit", "update"});
                          }) ||
      std::ranges::any_of(file.raises, [&](const Raise& each) { return inside(each.scope); });
  return says && !asks_unguarded && !fails;
}

/// A handler that calls another function may ask there; only plain answers are hollow.
bool only_answers(const CodeFile& file, const std::string& handler) {
  return std::ranges::none_of(file.calls, [&](const Call& call) {
    return call.scope.function == handler && call.callee() != "next" &&
           !any_of_words(call.callee(),
                         {"logger", "Logger", "logging", "print", "console.", "JsonResponse",
                          "jsonify", "HttpResponse", "Response", "now", "isoformat", "json",
                          "status", "send", "Date", "strftime", "Headers", "uptime"});
  });
}

Findings hollow_page(const Subject& subject) {
  Findings found;
  if (!uses_database(subject)) return found;
  for (const auto& health : subject.stack.health) {
    if (any_of_words(to_lower(health.route), {"live", "ping"})) continue;
    if (has_asking_sibling(subject, health) || is_part_without_database(subject, health.path))
      continue;
    if (!health.function.empty() && is_hollow_function(health.function))
      found.push_back(
          at(health.path, health.place, health.route + " answers without asking the database"));
    if (health.handler.empty() || !health.function.empty()) continue;
    const auto* file = definition_of(subject, health);
    if (file && touches_database(*file, health.handler) && swallows_failure(*file, health.handler))
      found.push_back(at(health.path, health.place,
                         health.route + " answers the same when the database fails"));
    if (!file || touches_database(*file, health.handler)) continue;
    if (only_answers(*file, health.handler))
      found.push_back(
          at(health.path, health.place, health.route + " answers without asking the database"));
  }
  return found;
}

constexpr std::array kRules = {
    Rule{"HC-001", Severity::kWarn, "No health route",
         "Nobody can tell an app that works from one that only listens.",
         "Add /health/ that runs `SELECT 1`, and `ready: /health/` in ecluse.yml.",
         no_health_route},
    Rule{"HC-002", Severity::kWarn, "The image has no HEALTHCHECK",
         "Docker calls a container healthy that hangs.",
         "`HEALTHCHECK CMD python -c \"import urllib.request as u; "
         "u.urlopen('http://127.0.0.1:8000/health/')\"`",
         no_healthcheck},
    Rule{"HC-003", Severity::kMajor, "The health check's tool is not in the image",
         "The check always fails, and the container is restarted or never ready.",
         "Install it, or ask with Python or Node, which is there.", missing_tool},
    Rule{"HC-004", Severity::kMajor, "The health check asks a public address",
         "It asks whatever serves there, not this container: a broken release looks healthy.",
         "Ask 127.0.0.1.", public_probe},
    Rule{"HC-005", Severity::kMajor, "`grep healthy` accepts `unhealthy`",
         "The gate opens for a container that Docker calls unhealthy.",
         "Compare the whole word: `grep -qx healthy`.", hollow_grep},
    Rule{"HC-006", Severity::kMajor, "The health page is green without its database",
         "The site answers 500 to everybody while every check says it is well.",
         "Let it run `SELECT 1` and answer 503 when that fails.", hollow_page},
};

}  // namespace

std::span<const Rule> health_rules() {
  return kRules;
}

}  // namespace ecluse::preflight
