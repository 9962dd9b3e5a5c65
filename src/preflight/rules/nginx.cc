// PX-001..003: nginx configurations.

#include <algorithm>
#include <array>

#include "base/text.h"
#include "preflight/rules/rule.h"

namespace ecluse::preflight {

namespace {

template <typename Check>
Findings for_directives(const Subject& subject, Check check) {
  Findings found;
  for (const auto& file : subject.repository.nginxes) {
    std::vector<std::string_view> around;
    for_each_directive(file.directives, around, [&](const Directive& each, const auto& names) {
      if (auto made = check(each, names)) {
        made->path = file.path;
        found.push_back(std::move(*made));
      }
    });
  }
  return found;
}

Findings misplaced_upstream(const Subject& subject) {
  return for_directives(
      subject, [](const Directive& each, const auto& around) -> std::optional<Finding> {
        const bool inside = std::ranges::find(around, "server") != around.end() ||
                            std::ranges::find(around, "location") != around.end();
        if (each.name != "upstream" || !each.has_block || !inside) return std::nullopt;
        return at(
            "", each.place,
            "upstream " + join(each.arguments, " ") + " inside " + std::string(around.back()));
      });
}

Findings missing_configuration(const Subject& subject) {
  Findings found;
  for (const auto& compose : subject.repository.composes) {
    for (const auto& service : compose.services) {
      for (const auto& mount : service.volumes) {
        const bool configures =
            mount.target.find("nginx") != std::string::npos &&
            (mount.target.ends_with(".conf") || mount.target.find("conf.d") != std::string::npos ||
             mount.target.find("templates") != std::string::npos);
        if (!configures || !mount.source.starts_with('.')) continue;
        const auto path = join_path(folder_of(compose.path), mount.source);
        if (path.empty() || subject.repository.find(path) || subject.repository.has_folder(path))
          continue;
        found.push_back(at(compose.path, mount.place, path + " does not exist"));
      }
    }
  }
  for (const auto& file : subject.repository.dockerfiles) {
    for (const auto& stage : file.stages) {
      for (const auto& each : stage.instructions) {
        if (each.name != "COPY" || !each.flag("from").empty()) continue;
        const auto words = each.json ? *each.json : split(each.text, ' ');
        if (words.size() != 2 || words[1].find("nginx") == std::string::npos ||
            words[0].find_first_of("*$") != std::string::npos)
          continue;
        const auto here = join_path(folder_of(file.path), words[0]);
        const auto given = join_path(build_context(subject.repository, file), words[0]);
        const auto top = join_path("", words[0]);
        const auto& repository = subject.repository;
        if (!words[0].ends_with(".conf") || repository.find(here) || repository.find(top) ||
            repository.find(given))
          continue;
        found.push_back(at(file.path, each.place, words[0] + " does not exist"));
      }
    }
  }
  return found;
}

/// `server web:8000 resolve;` of an upstream: nginx asks again (1.27.3).
bool is_asked_again(const Directive& each) {
  return std::ranges::find(each.arguments, "resolve") != each.arguments.end();
}

bool is_pass(std::string_view name) {
  return name == "proxy_pass" || name == "uwsgi_pass" || name == "fastcgi_pass" ||
         name == "grpc_pass" || name == "scgi_pass";
}

/// proxy_pass to the name of a compose service: resolved when nginx starts, never again, whatever
/// `resolver` says. That one is asked for names in variables.
Findings resolved_once(const Subject& subject) {
  Findings found;
  for (const auto& file : subject.repository.nginxes) {
    std::vector<std::string_view> around;
    for_each_directive(file.directives, around, [&](const Directive& each, const auto& names) {
      const bool pass = is_pass(each.name) || (each.name == "server" && !each.has_block &&
                                               std::ranges::find(names, "upstream") != names.end());
      if (!pass || each.arguments.empty() || is_asked_again(each)) return;
      auto host = std::string_view(each.arguments[0]);
      if (const auto scheme = host.find("://"); scheme != std::string_view::npos)
        host = host.substr(scheme + 3);
      host = host.substr(0, host.find_first_of(":/"));
      for (const auto& compose : subject.repository.composes)
        if (compose.find(host)) {
          found.push_back(at(file.path, each.place, each.name + " " + each.arguments[0]));
          return;
        }
    });
  }
  return found;
}

constexpr std::array kRules = {
    Rule{"PX-001", Severity::kMajor, "`upstream` inside `server`",
         "nginx refuses the whole configuration and does not start.", "Move it beside `server`.",
         misplaced_upstream},
    Rule{"PX-002", Severity::kMajor, "The proxy's configuration is missing",
         "nginx starts with its default page, or not at all.",
         "Commit the file, or correct the path.", missing_configuration},
    Rule{"PX-003", Severity::kWarn, "The upstream's address is resolved once",
         "After a redeploy the container has another address, and nginx sends requests to the old "
         "one until it is reloaded.",
         "`resolver 127.0.0.11 valid=5s;` and a variable in proxy_pass.", resolved_once},
};

}  // namespace

std::span<const Rule> nginx_rules() {
  return kRules;
}

}  // namespace ecluse::preflight
