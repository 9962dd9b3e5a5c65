// VOL-001..003, RED-001, RED-002: what a compose file mounts and publishes.

#include <algorithm>
#include <array>

#include "base/text.h"
#include "preflight/rules/rule.h"

namespace ecluse::preflight {

namespace {

template <typename Check>
Findings for_mounts(const Subject& subject, Check check) {
  Findings found;
  for (const auto* compose : subject.stack.composes)
    for (const auto& service : compose->services)
      for (const auto& mount : service.volumes)
        if (auto made = check(*compose, service, mount)) found.push_back(std::move(*made));
  return found;
}

Findings shared_writable(const Subject& subject) {
  return for_mounts(subject,
                    [](const Compose& compose, const ComposeService& service,
                       const ComposeMount& mount) -> std::optional<Finding> {
                      const bool database = !service_of_image(service.image).empty();
                      const auto twins = twins_of(compose, service);
                      // Of several services that mount the same, the first one is told of.
                      const bool shared = twins.size() > 1 && twins.front() == service.name &&
                                          compose.find(twins[1])->mounts(mount.source);
                      if ((service.replicas < 2 && !shared) || mount.read_only ||
                          mount.source.empty() || database)
                        return std::nullopt;
                      const auto who = service.replicas > 1 ? std::to_string(service.replicas) +
                                                                  " replicas of " + service.name
                                                            : join(twins, ", ");
                      auto made = at(compose.path, mount.place, who + " write " + mount.target);
                      made.because = service.replicas > 1
                                         ? "replicas: " + std::to_string(service.replicas)
                                         : "services of one build with one command";
                      return made;
                    });
}

/// Program text below `folder`, not only data, pages or settings.
bool holds_source(const Subject& subject, const std::string& folder) {
  if (folder.empty()) return false;
  const auto below = [&](const CodeFile& file) {
    return !file.test && file.path.starts_with(folder + "/") && file.language == Language::kPython;
  };
  const auto imports_below = [&](const ModuleImports& file) {
    return file.path.starts_with(folder + "/") && !is_test_path(file.path);
  };
  return std::ranges::any_of(subject.repository.code, below) ||
         std::ranges::any_of(subject.repository.imports, imports_below);
}

/// FLASK_ENV=development, APP_ENVIRONMENT=DEVELOPMENT: the service is for whoever writes the
/// program.
bool is_being_written(const ComposeService& service) {
  return std::ranges::any_of(service.environment, [](const ComposeVariable& variable) {
    const auto name = to_lower(variable.name);
    const bool says =
        name.ends_with("env") || name.ends_with("environment") || name.ends_with("_mode");
    const auto value = to_lower(variable.value.value_or(""));
    return says && (value == "development" || value == "dev");
  });
}

/// `./web:/app/build`: what a container makes is put there, no source over its own.
bool takes_results(const ComposeMount& mount) {
  const auto target = to_lower(mount.target);
  const auto name = file_name(std::string_view(target).substr(0, target.find_last_not_of('/') + 1));
  return any_of_words(name, {"build", "dist", "result", "output"});
}

/// docker-compose.prod.yml says by itself what the service is made of: this file is not production.
bool is_replaced(const Subject& subject, const Compose& compose, const ComposeService& service) {
  return std::ranges::any_of(subject.repository.composes, [&](const Compose& other) {
    const bool production = &other != &compose &&
                            folder_of(other.path) == folder_of(compose.path) &&
                            any_of_words(to_lower(file_name(other.path)), {"prod"});
    const auto* same = production ? other.find(service.name) : nullptr;
    return same && (same->context || !same->image.empty());
  });
}

Findings mounted_source(const Subject& subject) {
  return for_mounts(
      subject,
      [&](const Compose& compose, const ComposeService& service,
          const ComposeMount& mount) -> std::optional<Finding> {
        const auto mounted = join_path(folder_of(compose.path), mount.source);
        // `image: me/shop` with the folder over it that has shop's Dockerfile.
        const bool ours = service_runs_ours(service) ||
                          (service.image.find('/') != std::string::npos && !mounted.empty() &&
                           subject.repository.find_dockerfile(mounted + "/Dockerfile") != nullptr);
        if (is_being_written(service) || is_replaced(subject, compose, service) ||
            !mount.is_path() || !ours || takes_results(mount))
          return std::nullopt;
        const auto context =
            service.context ? join_path(folder_of(compose.path), *service.context) : "";
        const auto source = join_path(folder_of(compose.path), mount.source);
        const bool top = mount.source == "." || mount.source == "./" ||
                         mount.source.starts_with("./") || mount.source.starts_with("../");
        const bool whole = service.context && !mount.read_only && source == context;
        if (!top || (!whole && service_runs_ours(service) && !holds_source(subject, source)))
          return std::nullopt;
        return at(compose.path, mount.place,
                  mount.source + " is mounted over " + mount.target + " of " + service.name);
      });
}

bool is_env_name(std::string_view name) {
  return name == ".env" || name.starts_with(".env.");
}

/// `./.env:/app/.env` that a clone does not have; ENV-002 tells of one that `env_file` names, too.
std::optional<Finding> missing_env(const Subject& subject, const Compose& compose,
                                   const ComposeService& service, const ComposeMount& mount) {
  const auto path = join_path(folder_of(compose.path), mount.source);
  const bool named = std::ranges::any_of(service.env_files, [&](const auto& each) {
    return join_path(folder_of(compose.path), each.first) == path;
  });
  if (named || subject.repository.find(path) || subject.repository.has_folder(path))
    return std::nullopt;
  auto made = at(compose.path, mount.place,
                 path + " does not exist: Docker makes a folder of that name for " + service.name);
  const bool example = std::ranges::any_of(subject.repository.env_files, [&](const EnvFile& each) {
    return each.example && folder_of(each.path) == folder_of(path);
  });
  if (example) {
    made.severity = Severity::kInfo;
    made.because = "an example of it is committed";
  }
  return made;
}

/// Another service writes into the folder, or into one above it: a socket, what it has built.
bool is_filled(const Compose& compose, const ComposeService& reader, const ComposeMount& mount) {
  return std::ranges::any_of(compose.services, [&](const ComposeService& each) {
    return each.name != reader.name &&
           std::ranges::any_of(each.volumes, [&](const ComposeMount& other) {
             return !other.read_only &&
                    (mount.source == other.source || mount.source.starts_with(other.source + "/"));
           });
  });
}

Findings missing_bind(const Subject& subject) {
  return for_mounts(
      subject,
      [&](const Compose& compose, const ComposeService& service,
          const ComposeMount& mount) -> std::optional<Finding> {
        if (!mount.source.starts_with("./") && !mount.source.starts_with("../"))
          return std::nullopt;
        const auto path = join_path(folder_of(compose.path), mount.source);
        const auto name = file_name(path);
        if (is_env_name(name)) return missing_env(subject, compose, service, mount);
        const bool is_file = name.find('.') != std::string_view::npos && !name.starts_with('.');
        // A folder that is only read must hold something: git may be told to leave it out.
        const bool is_read = mount.read_only && !is_filled(compose, service, mount) &&
                             !name.starts_with('.') && !subject.repository.is_ignored(path, true);
        if (path.empty() || (!is_file && !is_read) || name.ends_with(".d") ||
            subject.repository.find(path) || subject.repository.has_folder(path))
          return std::nullopt;
        if (path.find("nginx") != std::string::npos || path.find("ssl") != std::string::npos ||
            path.find("cert") != std::string::npos)
          return std::nullopt;
        // Nginx's missing configuration has a rule of its own, and so have certificates.
        if (name.ends_with(".conf") || name.ends_with(".pem") || name.ends_with(".crt") ||
            name.ends_with(".key"))
          return std::nullopt;
        return at(compose.path, mount.place,
                  path + " does not exist: Docker makes a folder of that name for " + service.name);
      });
}

bool names_memory_cache(const Value& value) {
  if (value.kind == ValueKind::kString)
    return value.text == "SimpleCache" || value.text == "simple" ||
           value.text.find("locmem.LocMemCache") != std::string::npos ||
           value.text.starts_with("memory://");
  return std::ranges::any_of(value.items,
                             [](const Item& item) { return names_memory_cache(item.value); });
}

bool speaks_redis(const CodeFile& file) {
  return file.imports_module("redis") || file.imports_module("flask_caching") ||
         file.imports_module("ioredis") || file.imports_module("django_redis") ||
         std::ranges::any_of(file.reads, [](const EnvRead& read) {
           return read.name.find("REDIS") != std::string::npos;
         });
}

/// `except ...: app.config["CACHE_TYPE"] = "SimpleCache"`, in whichever file it stands.
bool gives_cache_up(const CodeFile& file) {
  return std::ranges::any_of(file.assignments, [](const Assignment& each) {
    return each.scope.handler && to_lower(each.target).find("cache") != std::string::npos;
  });
}

/// `except RedisError: cache = SimpleCache()`, `"redis" if url else "simple"`.
Findings silent_memory(const Subject& subject) {
  Findings found;
  const bool anywhere = std::ranges::any_of(subject.repository.code, [](const CodeFile& file) {
    return is_production_code(file) && speaks_redis(file);
  });
  for (const auto& file : subject.repository.code) {
    if (!is_production_code(file) || !(speaks_redis(file) || (anywhere && gives_cache_up(file))))
      continue;
    for (const auto& each : file.assignments) {
      const auto condition = to_lower(each.scope.condition);
      const bool fallback = each.scope.handler || condition.find("redis") != std::string::npos;
      const bool either =
          each.value.text.find(" else ") != std::string::npos &&
          to_lower(each.value.text).find("redis") != std::string::npos &&
          any_of_words(each.value.text, {"SimpleCache", "\"simple\"", "LocMem", "memory://"});
      const bool none = each.scope.handler && each.value.kind == ValueKind::kNone &&
                        any_of_words(to_lower(each.target), {"redis", "cache"});
      if ((fallback && names_memory_cache(each.value)) || either || none)
        found.push_back(at(file.path, each.place, each.target + " goes on without Redis"));
    }
    for (const auto& read : file.reads) {
      if (read.fallback && read.fallback->text.starts_with("memory://"))
        found.push_back(at(file.path, read.place, read.name + " falls back to memory://"));
    }
  }
  return found;
}

bool asks_password(const ComposeService& service) {
  const auto words = join(service.command, " ");
  if (words.find("requirepass") != std::string::npos || words.find(".conf") != std::string::npos)
    return true;
  // Docker's own image reads no variable; bitnami's and others do.
  const auto name = service.image.substr(0, service.image.find(':'));
  if (name == "redis" || name == "library/redis" || name == "valkey/valkey") return false;
  return std::ranges::any_of(service.environment, [](const ComposeVariable& variable) {
    return variable.name.find("PASSWORD") != std::string::npos;
  });
}

Findings open_redis(const Subject& subject) {
  Findings found;
  for (const auto& compose : subject.repository.composes) {
    for (const auto& service : compose.services) {
      const auto kind = service_of_image(service.image);
      if ((kind != "redis" && kind != "valkey") || asks_password(service)) continue;
      for (const auto& port : service.ports) {
        if (port.address == "127.0.0.1" || port.address == "::1") continue;
        found.push_back(at(compose.path, port.place,
                           service.name + " answers anybody at port " +
                               (port.published.empty() ? port.target : port.published)));
      }
    }
  }
  return found;
}

constexpr std::array kRules = {
    Rule{"VOL-001", Severity::kMajor, "Several replicas write one path",
         "Their writes interleave: files are torn, uploads overwrite each other.",
         "One writer, a lock, or an object store; read-only (`:ro`) where they only read.",
         shared_writable},
    Rule{"VOL-002", Severity::kMajor, "The source tree is mounted in production",
         "What runs is what lies on the host, not what was built and tested.",
         "Remove the mount; keep it in a compose.override.yml for development.", mounted_source},
    Rule{"VOL-003", Severity::kMajor, "A mounted file does not exist",
         "Docker silently makes an empty folder of that name, and the app reads a folder.",
         "Commit the file, or correct the path.", missing_bind},
    Rule{"RED-001", Severity::kMajor, "The cache silently falls back to memory",
         "Each instance then has a cache of its own: sessions and counters differ from request to "
         "request, and nobody is told.",
         "Let the start fail when Redis does not answer in production.", silent_memory},
    Rule{"RED-002", Severity::kMajor, "Redis is published without a password",
         "Anybody who reaches the port reads and writes everything in it, and can run code.",
         "Do not publish it, or `command: redis-server --requirepass ${REDIS_PASSWORD:?}`.",
         open_redis},
};

}  // namespace

std::span<const Rule> compose_rules() {
  return kRules;
}

}  // namespace ecluse::preflight
