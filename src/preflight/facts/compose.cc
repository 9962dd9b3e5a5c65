#include "preflight/facts/compose.h"

#include <algorithm>
#include <charconv>

#include "base/text.h"
#include "preflight/facts/text_file.h"

namespace ecluse::preflight {

namespace {

/// "a:b:c", but not inside ${X:-y}.
std::vector<std::string> split_outside_braces(std::string_view text, char separator) {
  std::vector<std::string> parts(1);
  int depth = 0;
  for (const char c : text) {
    depth += c == '{';
    depth -= c == '}' && depth > 0;
    if (c == separator && depth == 0)
      parts.emplace_back();
    else
      parts.back() += c;
  }
  return parts;
}

std::vector<std::string> words_of(const Yaml* node) {
  std::vector<std::string> words;
  if (!node) return words;
  if (node->kind == YamlKind::kScalar) {
    if (!node->text.empty()) words = {"sh", "-c", node->text};
    return words;
  }
  for (const auto& item : node->items) words.push_back(item.text);
  return words;
}

void read_port(const Yaml& node, ComposeService& service) {
  ComposePort port;
  port.place = node.place;
  if (node.kind == YamlKind::kMap) {
    port.address = std::string(node.scalar("host_ip"));
    port.published = std::string(node.scalar("published"));
    port.target = std::string(node.scalar("target"));
  } else {
    auto parts = split_outside_braces(node.text.substr(0, node.text.find('/')), ':');
    port.target = parts.back();
    if (parts.size() >= 2) port.published = parts[parts.size() - 2];
    if (parts.size() >= 3) port.address = parts[0];
  }
  service.ports.push_back(std::move(port));
}

void read_mount(const Yaml& node, ComposeService& service) {
  ComposeMount mount;
  mount.place = node.place;
  if (node.kind == YamlKind::kMap) {
    mount.source = std::string(node.scalar("source"));
    mount.target = std::string(node.scalar("target"));
    mount.read_only = node.scalar("read_only") == "true";
    if (node.scalar("type") == "tmpfs") return;
    if (node.scalar("type") == "bind" && !mount.is_path()) mount.source = "./" + mount.source;
  } else {
    const auto parts = split_outside_braces(node.text, ':');
    if (parts.size() == 1) {
      mount.target = parts[0];
    } else {
      mount.source = parts[0];
      mount.target = parts[1];
      mount.read_only = parts.size() > 2 && (parts[2] == "ro" || parts[2].starts_with("ro,"));
    }
  }
  service.volumes.push_back(std::move(mount));
}

std::vector<ComposeVariable> read_variables(const Yaml* node) {
  std::vector<ComposeVariable> variables;
  if (!node) return variables;
  for (const auto& entry : node->entries) {
    std::optional<std::string> value;
    if (entry.value.kind == YamlKind::kScalar) value = entry.value.text;
    variables.push_back({entry.key, value, entry.place});
  }
  for (const auto& item : node->items) {
    const auto equals = item.text.find('=');
    std::optional<std::string> value;
    if (equals != std::string::npos) value = item.text.substr(equals + 1);
    variables.push_back({item.text.substr(0, equals), value, item.place});
  }
  return variables;
}

void read_build(const Yaml* node, ComposeService& service) {
  if (!node || node->kind == YamlKind::kNull) return;
  if (node->kind == YamlKind::kScalar) {
    service.context = node->text;
    return;
  }
  service.context = std::string(node->scalar("context"));
  if (service.context->empty()) service.context = ".";
  service.dockerfile = std::string(node->scalar("dockerfile"));
  service.target = std::string(node->scalar("target"));
  service.build_arguments = read_variables(node->find("args"));
}

void read_health(const Yaml* node, ComposeService& service) {
  if (!node) return;
  service.health_place = node->place;
  service.health_disabled = node->scalar("disable") == "true";
  const auto* test = node->find("test");
  if (!test) return;
  service.has_health = !service.health_disabled;
  std::vector<std::string> words;
  for (const auto* each : test->as_list()) words.push_back(each->text);
  service.health_test = join(words, " ");
  service.health_place = test->place;
  if (service.health_test == "NONE") service.has_health = false;
}

int number_of(std::string_view text, int otherwise) {
  int value = otherwise;
  std::from_chars(text.data(), text.data() + text.size(), value);
  return value;
}

void read_replicas(const Yaml& node, ComposeService& service) {
  for (const auto* each : {node.at({"deploy", "replicas"}), node.find("scale")}) {
    if (!each) continue;
    auto text = std::string_view(each->text);
    if (text.starts_with("${") && text.find(":-") != std::string_view::npos)
      text = text.substr(text.find(":-") + 2);
    service.replicas = number_of(text, 1);
    service.replicas_place = each->place;
  }
}

void read_places(const Yaml& node, ComposeService& service) {
  if (const auto* image = node.find("image")) service.image_place = image->place;
  for (const auto* key : {"entrypoint", "command"})
    if (const auto* found = node.find(key)) service.command_place = found->place;
  if (const auto* privileged = node.find("privileged"))
    service.privileged_place = privileged->place;
}

void read_names(const Yaml* node, std::vector<std::string>& names) {
  if (!node) return;
  for (const auto* each : node->as_list()) names.push_back(each->text);
  for (const auto& entry : node->entries) names.push_back(entry.key);
}

ComposeService read_service(const YamlEntry& entry) {
  ComposeService service;
  const auto& node = entry.value;
  service.name = entry.key;
  service.place = entry.place;
  service.image = std::string(node.scalar("image"));
  service.privileged = node.scalar("privileged") == "true";
  service.host_network = node.scalar("network_mode") == "host";
  service.command = words_of(node.find("command"));
  service.command_list = node.find("command") && node.find("command")->kind == YamlKind::kList;
  service.init = node.scalar("init") == "true";
  service.entrypoint = words_of(node.find("entrypoint"));
  service.environment = read_variables(node.find("environment"));
  read_build(node.find("build"), service);
  // Version 1 has it beside `build:`.
  if (service.context && service.dockerfile.empty())
    service.dockerfile = std::string(node.scalar("dockerfile"));
  read_health(node.find("healthcheck"), service);
  read_replicas(node, service);
  read_places(node, service);
  read_names(node.find("depends_on"), service.depends_on);
  read_names(node.find("profiles"), service.profiles);
  if (const auto* ports = node.find("ports"))
    for (const auto* each : ports->as_list()) read_port(*each, service);
  if (const auto* volumes = node.find("volumes"))
    for (const auto* each : volumes->as_list()) read_mount(*each, service);
  if (const auto* files = node.find("env_file")) {
    for (const auto* each : files->as_list()) {
      const bool map = each->kind == YamlKind::kMap;
      if (map && each->scalar("required") == "false") continue;  // it may be absent
      service.env_files.emplace_back(map ? each->scalar("path") : each->text, each->place);
    }
  }
  return service;
}

bool starts_any(const Compose& compose, std::initializer_list<std::string_view> commands) {
  return std::ranges::any_of(compose.services, [&](const ComposeService& service) {
    const auto words = join(service.command, " ");
    return std::ranges::any_of(
        commands, [&](std::string_view command) { return words.find(command) != words.npos; });
  });
}

/// What makes a compose file one for the developer's machine.
bool is_development(std::string_view path, const Compose& compose) {
  const auto name = to_lower(file_name(path));
  for (const auto* word : {"dev", "local", "test", "override", "debug"}) {
    if (name.find(word) != std::string::npos) return true;
  }
  return starts_any(compose, {"--reload", "npm run dev", "nodemon"});
}

/// Where the services stand: below `services:`, in files of version 1 at the top.
const Yaml* services_of(const Yaml& root) {
  if (const auto* services = root.find("services")) return services;
  const bool first = !root.find("version") && !root.find("include") &&
                     std::ranges::any_of(root.entries, [](const YamlEntry& each) {
                       return each.value.find("image") || each.value.find("build");
                     });
  return first ? &root : nullptr;
}

}  // namespace

bool ComposeMount::is_path() const {
  return source.starts_with('.') || source.starts_with('/') || source.starts_with('~') ||
         source.starts_with('$');
}

bool ComposeService::mounts(std::string_view source) const {
  return std::ranges::find(volumes, source, &ComposeMount::source) != volumes.end();
}

std::string ComposeService::command_line() const {
  const bool shell = command.size() == 3 && command[1] == "-c";
  return shell ? command[2] : join(command, " ");
}

const ComposeVariable* ComposeService::find_variable(std::string_view variable) const {
  const auto found = std::ranges::find(environment, variable, &ComposeVariable::name);
  return found == environment.end() ? nullptr : &*found;
}

const ComposeService* Compose::find(std::string_view service) const {
  const auto found = std::ranges::find(services, service, &ComposeService::name);
  return found == services.end() ? nullptr : &*found;
}

std::string built_from(const Compose& compose, const ComposeService& service) {
  if (!service.context) return {};
  const auto& name = service.dockerfile.empty() ? std::string("Dockerfile") : service.dockerfile;
  return join_path(join_path(folder_of(compose.path), *service.context), name);
}

bool is_compose_name(std::string_view name) {
  const auto lower = to_lower(name);
  const bool yaml = lower.ends_with(".yml") || lower.ends_with(".yaml");
  // "prod.docker-compose.yml", "docker-stack.yml" of a swarm
  return yaml && (lower.find("docker-compose") != std::string::npos ||
                  lower.starts_with("compose.") || lower.starts_with("compose-") ||
                  lower.starts_with("compose_") || lower.starts_with("docker-stack") ||
                  lower.ends_with(".compose.yml") || lower.ends_with(".compose.yaml"));
}

Compose read_compose(std::string_view path, const Yaml& root) {
  Compose compose;
  compose.path = std::string(path);
  const auto* services = services_of(root);
  if (services) {
    for (const auto& entry : services->entries) {
      if (entry.value.kind == YamlKind::kMap) compose.services.push_back(read_service(entry));
    }
  }
  if (const auto* volumes = root.find("volumes"); volumes && services != &root)
    for (const auto& entry : volumes->entries) compose.volumes.push_back(entry.key);
  compose.development = is_development(path, compose);
  compose.runs_development =
      compose.development || starts_any(compose, {"yarn dev", "manage.py runserver"});
  return compose;
}

}  // namespace ecluse::preflight
