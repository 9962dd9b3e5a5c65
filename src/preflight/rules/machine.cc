// HARD-001, ST-001, ST-002: what only works on the author's machine; Streamlit's settings.

#include <algorithm>
#include <array>
#include <cctype>
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

/// "203.0.113.7", and none that everybody has: 172.17.0.1 is Docker's own, 169.254.169.254 a
/// cloud's, the last two name servers.
bool is_numbered_host(std::string_view host) {
  const auto parts = split(host, '.');
  const bool number = parts.size() == 4 && std::ranges::all_of(parts, [](const std::string& part) {
                        return !part.empty() && part.size() <= 3 &&
                               part.find_first_not_of("0123456789") == std::string::npos;
                      });
  return number && parts[0] != "127" && parts[0] != "0" && parts[0] != "10" && parts[0] != "172" &&
         !host.starts_with("169.254.") && host != "1.1.1.1" && host != "8.8.8.8";
}

/// "203.0.113.7" of `ssh root@203.0.113.7`; "" where no such host is named.
std::string_view host_of_account(std::string_view line) {
  if (line.find("uses:") != std::string_view::npos) return {};  // an action's version
  for (auto at = line.find('@'); at != std::string_view::npos; at = line.find('@', at + 1)) {
    const auto host = line.substr(at + 1, line.substr(at + 1).find_first_not_of("0123456789."));
    if (is_numbered_host(host)) return host;
  }
  return {};
}

/// "http://203.0.113.7:5000/api": the next machine has another number. Nobody's own ones (127.,
/// 10., 0.) are told of elsewhere or nowhere.
bool is_numbered_address(std::string_view text) {
  const auto scheme = text.find("://");
  if (scheme == std::string_view::npos || !(text.starts_with("http") || text.starts_with("ws")))
    return false;
  return is_numbered_host(text.substr(scheme + 3, text.substr(scheme + 3).find_first_of(":/")));
}

void look_at(const std::string& path, const Value& value, Findings& found) {
  if (value.kind == ValueKind::kString &&
      (is_machine_path(value.text) || is_private_address(value.text) ||
       is_numbered_address(value.text)))
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

/// The first path or address of one machine in a line of a script, a workflow, a compose file.
std::optional<std::string> machine_word(std::string_view line) {
  const auto bare = trim(line);
  if (bare.starts_with('#') || bare.starts_with("echo ")) return std::nullopt;
  if (const auto host = host_of_account(line); !host.empty()) return std::string(host);
  for (const std::string_view start : {"/home/", "/Users/", "192.168."}) {
    for (auto from = line.find(start); from != std::string_view::npos;
         from = line.find(start, from + 1)) {
      const bool otherwise = from > 1 && line.substr(from - 2, 2) == ":-";  // ${HOST:-192.168.1.9}
      const bool begins = from == 0 || otherwise ||
                          !(std::isalnum(static_cast<unsigned char>(line[from - 1])) ||
                            any_of_words("._-/}", {line.substr(from - 1, 1)}));
      const auto end = line.find_first_of(" \t\"'`;,)|&", from);
      const auto word = line.substr(from, end == std::string_view::npos ? end : end - from);
      if (begins && (is_machine_path(word) || is_private_address(word))) return std::string(word);
    }
  }
  return std::nullopt;
}

/// A workflow's, compose file's or script's lines.
void look_at_lines(const Subject& subject, const std::string& path, Findings& found) {
  int number = 0;
  for (const auto line : lines_of(subject.repository.text(path))) {
    ++number;
    if (auto word = machine_word(line)) found.push_back(at(path, {number, 1}, std::move(*word)));
  }
}

/// "/home/shop/run" where a Dockerfile makes /home/shop: a path of the image, not of a machine.
bool is_home_of_image(const Subject& subject, std::string_view path) {
  if (!path.starts_with("/home/")) return false;
  const auto home = path.substr(0, path.find('/', std::string_view("/home/").size()));
  for (const auto& file : subject.repository.dockerfiles)
    for (const auto& stage : file.stages)
      for (const auto& each : stage.instructions)
        if (contains_word(each.text, home)) return true;
  return false;
}

Findings machine_specific(const Subject& subject) {
  Findings found;
  for (const auto& flow : subject.repository.workflows) look_at_lines(subject, flow.path, found);
  for (const auto& compose : subject.repository.composes)
    look_at_lines(subject, compose.path, found);
  for (const auto& script : subject.repository.scripts)
    if (!is_set_aside(script.path)) look_at_lines(subject, script.path, found);
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
  std::erase_if(found,
                [&](const Finding& each) { return is_home_of_image(subject, each.evidence); });
  return one_per_file(std::move(found));
}

/// The numbers that a text holds as words of their own.
void add_numbers(std::string_view text, std::set<std::string>& numbers) {
  while (!text.empty()) {
    const auto from = std::min(text.find_first_of("0123456789"), text.size());
    text.remove_prefix(from);
    const auto end = std::min(text.find_first_not_of("0123456789"), text.size());
    if (end > 0) numbers.emplace(text.substr(0, end));
    text.remove_prefix(end);
  }
}

/// The ports that something says a service listens on, in the compose files and its image.
struct SaidPorts {
  std::set<std::string> ports;  ///< empty where no EXPOSE and no `ports:` says one
  bool published = false;       ///< by `ports:`, which somebody has tried
};
SaidPorts ports_of(const Subject& subject, std::string_view name) {
  SaidPorts said;
  std::set<std::string> ports;
  for (const auto& compose : subject.repository.composes) {
    const auto* service = compose.find(name);
    if (!service) continue;
    for (const auto& port : service->ports) add_numbers(port.target, said.ports);
    said.published |= !service->ports.empty();
    add_numbers(join(service->command, " "), ports);
    for (const auto& each : service->environment)
      if (each.name.ends_with("PORT")) add_numbers(each.value.value_or(""), ports);
    const auto* file = subject.repository.find_dockerfile(built_from(compose, *service));
    const auto* stage = file ? file->final_stage() : nullptr;
    if (service->context && !stage) return {};
    if (!stage) continue;
    for (const auto* each : file->inherited(*stage))
      add_numbers(each->text, each->name == "EXPOSE" ? said.ports : ports);
    add_numbers(start_text(subject.repository, *file, *stage), ports);
  }
  if (!said.ports.empty()) said.ports.merge(ports);
  return said;
}

/// `listen(5080)`, `app.run(port=5080)`: the program says it itself, whatever its image says.
bool listens_in_code(const Subject& subject, std::string_view port) {
  return std::ranges::any_of(subject.repository.code, [&](const CodeFile& file) {
    return !file.test && std::ranges::any_of(file.calls, [&](const Call& call) {
      return (ends_with_name(call.callee(), "listen") || ends_with_name(call.callee(), "run")) &&
             contains_word(call.value.text, port);
    });
  });
}

/// `proxy_pass http://shop:5000` where shop listens on 5001.
void unheard_port(const Subject& subject, const Nginx& file, const Directive& each,
                  Findings& found) {
  const bool upstream = each.name == "server" && !each.has_block;
  const bool passes = each.name == "proxy_pass" || each.name == "uwsgi_pass" || upstream;
  if (each.arguments.empty() || !passes) return;
  std::string_view address = each.arguments[0];
  if (const auto scheme = address.find("://"); scheme != std::string_view::npos)
    address.remove_prefix(scheme + 3);
  address = address.substr(0, address.find('/'));
  const auto colon = address.find(':');
  if (colon == std::string_view::npos || address.find('$') != std::string_view::npos) return;
  const auto port = std::string(address.substr(colon + 1));
  const auto said = ports_of(subject, address.substr(0, colon));
  if (said.ports.empty() || said.ports.contains(port)) return;
  if (!said.published && listens_in_code(subject, port)) return;
  found.push_back(at(
      file.path, each.place,
      each.arguments[0] + ": " + std::string(address.substr(0, colon)) + " does not listen there"));
}

void unheard_ports(const Subject& subject, Findings& found) {
  for (const auto& file : subject.repository.nginxes) {
    std::vector<std::string_view> around;
    for_each_directive(file.directives, around, [&](const Directive& each, const auto&) {
      unheard_port(subject, file, each, found);
    });
  }
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
        // A swarm publishes a port once for all replicas.
        const bool swarm = any_of_words(file_name(compose.path), {"stack", "swarm"});
        if (service.replicas > 1 && added && !swarm)
          found.push_back(at(compose.path, port.place,
                             std::to_string(service.replicas) + " replicas of " + service.name +
                                 " cannot all publish " + port.published));
      }
    }
  }
  unheard_ports(subject, found);
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

/// Off in a line of a configuration or a command. CORS alone is not off: Streamlit turns it on
/// again while the protection against forged requests is on (docs of server.enableCORS).
Findings streamlit_open(const Subject& subject) {
  Findings found;
  for (const auto& [path, text] : subject.repository.texts) {
    if (path.ends_with(".md") || path.ends_with(".rst")) continue;
    const bool config = path.find(".streamlit/") != std::string::npos;
    auto lines =
        lines_like(subject.repository, path, [&](std::string_view line) -> std::optional<int> {
          const auto column = line.find("enableXsrfProtection");
          if (trim(line).starts_with('#') || column == std::string_view::npos) return std::nullopt;
          const auto rest = to_lower(line.substr(column + 20, 14));
          const bool ours = config || line.find("server.") != std::string_view::npos;
          if (!ours || rest.find("false") == std::string::npos) return std::nullopt;
          return static_cast<int>(column) + 1;
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
         "Delete enableXsrfProtection=false (and enableCORS=false beside it); behind ecluse both "
         "work.",
         streamlit_open},
};

}  // namespace

std::span<const Rule> machine_rules() {
  return kRules;
}

}  // namespace ecluse::preflight
