// HARD-001, ST-001, ST-002: what only works on the author's machine; Streamlit's settings.

#include <algorithm>
#include <array>
#include <map>
#include <set>
#include <tuple>

#include "base/text.h"
#include "preflight/rules/rule.h"

namespace ecluse::preflight {

namespace {

bool is_machine_path(std::string_view text) {
  const auto user = [&](std::string_view prefix) {
    if (!text.starts_with(prefix)) return false;
    const auto name = text.substr(prefix.size(), text.substr(prefix.size()).find('/'));
    if (text.substr(prefix.size()).find('/') == std::string_view::npos) return false;
    for (const std::string_view usual :
         {"app", "user", "appuser", "ubuntu", "runner", "node", "site", "deploy", "django", "www"})
      if (name == usual) return false;
    return !name.empty() && name.find('$') == std::string_view::npos &&
           name.find('{') == std::string_view::npos;
  };
  const bool windows = text.size() > 4 && std::isalpha(static_cast<unsigned char>(text[0])) &&
                       text[1] == ':' && (text[2] == '\\' || text[2] == '/') && text[3] != '/';
  return user("/home/") || user("/Users/") || windows;
}

bool is_private_address(std::string_view text) {
  const auto scheme = text.find("://");
  const auto host = scheme == std::string_view::npos ? text : text.substr(scheme + 3);
  return host.starts_with("192.168.") && host.find('/') != 9 &&
         host.find('*') == std::string_view::npos &&
         host.substr(0, host.find(':')).find("/") == std::string_view::npos;
}

void look_at(const std::string& path, const Value& value, Findings& found) {
  if (value.kind == ValueKind::kString &&
      (is_machine_path(value.text) || is_private_address(value.text)))
    found.push_back(at(path, value.place, value.text));
  for (const auto& item : value.items) look_at(path, item.value, found);
}

/// One finding a file: whoever mends one line of it mends the others, too.
Findings one_per_file(Findings found) {
  Findings grouped;
  std::ranges::stable_sort(found, {},
                           [](const Finding& each) { return std::tie(each.path, each.place); });
  std::map<std::string, std::vector<std::string>> further;
  for (auto& each : found) {
    if (!grouped.empty() && grouped.back().path == each.path) {
      if (each.place != grouped.back().place)
        further[each.path].push_back(std::to_string(each.place.line));
    } else {
      grouped.push_back(std::move(each));
    }
  }
  for (auto& each : grouped) {
    auto& lines = further[each.path];
    lines.erase(std::ranges::unique(lines).begin(), lines.end());
    if (!lines.empty()) each.evidence += "; further in lines " + join(lines, ", ");
  }
  return grouped;
}

Findings machine_specific(const Subject& subject) {
  Findings found;
  for (const auto& file : subject.repository.code) {
    if (file.test || is_set_aside(file.path)) continue;
    for (const auto& each : file.assignments) look_at(file.path, each.value, found);
    for (const auto& call : file.calls) look_at(file.path, call.value, found);
  }
  for (const auto& compose : subject.repository.composes)
    for (const auto& service : compose.services)
      for (const auto& mount : service.volumes)
        if (is_machine_path(mount.source))
          found.push_back(at(compose.path, mount.place, mount.source));
  for (const auto& script : subject.repository.scripts)
    for (const auto& each : script.script.commands)
      for (const auto& word : each.words)
        if (is_machine_path(word)) found.push_back(at(script.path, each.place, word));
  return one_per_file(std::move(found));
}

Findings port_conflict(const Subject& subject) {
  Findings found;
  for (const auto& compose : subject.repository.composes) {
    std::map<std::string, std::string> taken;
    for (const auto& service : compose.services) {
      if (!service.profiles.empty()) continue;
      for (const auto& port : service.ports) {
        if (port.published.empty() || port.published.find('$') != std::string::npos) continue;
        const auto key = port.address + ":" + port.published;
        const auto [other, added] = taken.emplace(key, service.name);
        if (!added)
          found.push_back(
              at(compose.path, port.place,
                 service.name + " and " + other->second + " both publish " + port.published));
        if (service.replicas > 1 && added)
          found.push_back(at(compose.path, port.place,
                             std::to_string(service.replicas) + " replicas of " + service.name +
                                 " cannot all publish " + port.published));
      }
    }
  }
  // Streamlit's own configuration says another port than the image's command.
  const auto config = subject.repository.text(".streamlit/config.toml");
  for (const auto line : lines_of(config)) {
    const auto bare = trim(line);
    if (!bare.starts_with("port")) continue;
    const auto equals = bare.find('=');
    const auto port = equals == std::string_view::npos ? std::string()
                                                       : std::string(trim(bare.substr(equals + 1)));
    for (const auto* file : subject.stack.dockerfiles) {
      const auto* stage = file->final_stage();
      const auto* expose = stage ? stage->last("EXPOSE") : nullptr;
      if (!expose || port.empty() || contains_word(expose->text, port)) continue;
      if (start_text(subject.repository, *file, *stage).find("server.port") != std::string::npos)
        continue;
      found.push_back(at(file->path, expose->place,
                         "EXPOSE " + expose->text + ", .streamlit/config.toml says " + port));
    }
  }
  return found;
}

Findings streamlit_open(const Subject& subject) {
  Findings found;
  for (const auto& [path, text] : subject.repository.texts) {
    const bool config = path.ends_with(".streamlit/config.toml");
    if (path.ends_with(".md")) continue;
    auto lines =
        lines_like(subject.repository, path, [&](std::string_view line) -> std::optional<int> {
          const auto bare = trim(line);
          if (bare.starts_with('#')) return std::nullopt;
          for (const std::string_view name : {"enableXsrfProtection", "enableCORS"}) {
            const auto column = line.find(name);
            if (column == std::string_view::npos) continue;
            const auto rest = line.substr(column + name.size(), 14);
            const bool off = rest.find("false") != std::string_view::npos ||
                             rest.find("False") != std::string_view::npos;
            if (off && (config || line.find("server.") != std::string_view::npos))
              return static_cast<int>(column) + 1;
          }
          return std::nullopt;
        });
    found.insert(found.end(), lines.begin(), lines.end());
  }
  return found;
}

constexpr std::array kRules = {
    Rule{"HARD-001", Severity::kMajor, "A path or address of one machine",
         "It exists on the author's machine only.",
         "Make it relative to the file, or read it from the environment.", machine_specific},
    Rule{"ST-001", Severity::kMajor, "Two claims on one port",
         "The second one cannot start, or traffic goes to a port nobody listens on.",
         "Give each its own port; let the proxy be the only one that publishes.", port_conflict},
    Rule{"ST-002", Severity::kMajor, "Streamlit's protection against foreign sites is off",
         "Any page a visitor has open may send requests, and uploads, in the visitor's name.",
         "Delete enableXsrfProtection=false and enableCORS=false; behind ecluse both work.",
         streamlit_open},
};

}  // namespace

std::span<const Rule> machine_rules() {
  return kRules;
}

}  // namespace ecluse::preflight
