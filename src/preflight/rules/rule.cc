#include "preflight/rules/rule.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <functional>
#include <future>
#include <iterator>
#include <tuple>

#include "base/text.h"

namespace ecluse::preflight {

namespace {

std::vector<const Rule*> collect() {
  std::vector<const Rule*> rules;
  for (const auto family :
       {secret_rules(),   django_rules(),     docker_rules(),     dockerignore_rules(),
        compose_rules(),  database_rules(),   migration_rules(),  repository_rules(),
        pipeline_rules(), deployment_rules(), expression_rules(), environment_rules(),
        health_rules(),   log_rules(),        dependency_rules(), start_command_rules(),
        machine_rules(),  nginx_rules(),      delivery_rules(),   started_rules()}) {
    for (const auto& rule : family) rules.push_back(&rule);
  }
  std::ranges::sort(rules, {}, [](const Rule* rule) { return rule->id; });
  return rules;
}

auto order(const Finding& finding) {
  return std::tie(finding.path, finding.place, finding.rule, finding.evidence);
}

constexpr std::string_view kSecretParts[] = {
    "secret",      "password",   "passwd",     "token",      "apikey",  "api_key",
    "private_key", "access_key", "credential", "passphrase", "auth_key"};
// Names with such a part that hold no secret themselves.
constexpr std::string_view kPublicParts[] = {
    "validator", "field",       "reset",     "hasher",   "_url",      "_uri",      "expir",
    "_file",     "_path",       "_name",     "length",   "policy",    "_type",     "template",
    "label",     "placeholder", "algorithm", "lifetime", "tokenizer", "public",    "_header",
    "_id",       "csrf_cookie", "_prefix",   "_count",   "endpoint",  "max_token", "max_tokens",
    "error",     "message",     "help",      "hint",     "regex",     "pattern",   "input",
    "form",      "confirm",     "_min",      "_max",     "title",     "valid",     "_dir",
    "verify",    "lookup",      "view",      "invalid",  "strength",  "_ttl",      "_claim"};

/// ecluse runs neither compose files nor images nor other proxies yet: what is wrong with them does
/// not stop a deploy by it.
void spare_what_ecluse_does_not_run(const Subject& subject, Finding& finding) {
  if (!subject.environment || finding.severity != Severity::kBlock) return;
  const auto name = file_name(finding.path);
  const bool foreign = is_compose_name(name) || is_dockerfile_name(name) ||
                       is_nginx_path(finding.path) || finding.rule == "DB-006";
  if (!foreign) return;
  finding.severity = Severity::kMajor;
  finding.because +=
      (finding.because.empty() ? "" : "; ") + std::string("ecluse runs no containers");
}

}  // namespace

std::string_view to_string(Severity severity) {
  switch (severity) {
    case Severity::kInfo:
      return "info";
    case Severity::kWarn:
      return "warn";
    case Severity::kMajor:
      return "major";
    case Severity::kBlock:
      return "block";
  }
  return "";
}

std::span<const Rule* const> all_rules() {
  static const auto rules = collect();
  return rules;
}

const Rule* find_rule(std::string_view id) {
  for (const auto* rule : all_rules())
    if (rule->id == id) return rule;
  return nullptr;
}

namespace {

/// What every second rule finds, from the `first` one on.
Findings found_from(std::size_t first, const Subject& subject) {
  Findings all;
  for (auto n = first; n < all_rules().size(); n += 2) {
    const auto& rule = *all_rules()[n];
    auto found = rule.find(subject);
    if (found.size() > kFindingsPerRule) found.resize(kFindingsPerRule);
    for (auto& each : found) {
      each.rule = std::string(rule.id);
      if (!each.severity) each.severity = rule.severity;
      spare_what_ecluse_does_not_run(subject, each);
      each.evidence = readable(trim(each.evidence), 160);
      all.push_back(std::move(each));
    }
  }
  return all;
}

}  // namespace

Findings audit(const Subject& subject) {
  // Rules only read: half of them in a second thread.
  auto others = std::async(std::launch::async, found_from, 1, std::cref(subject));
  auto all = found_from(0, subject);
  std::ranges::move(others.get(), std::back_inserter(all));
  std::ranges::sort(all, [](const Finding& a, const Finding& b) { return order(a) < order(b); });
  const auto repeated = std::ranges::unique(all, [](const Finding& a, const Finding& b) {
    return a.rule == b.rule && a.path == b.path && a.place == b.place;
  });
  all.erase(repeated.begin(), repeated.end());
  return all;
}

Finding at(std::string_view path, Place place, std::string evidence) {
  Finding made;
  made.path = std::string(path);
  made.place = place;
  made.evidence = std::move(evidence);
  return made;
}

bool any_of_words(std::string_view text, std::initializer_list<std::string_view> words) {
  return std::ranges::any_of(words,
                             [&](auto word) { return text.find(word) != std::string_view::npos; });
}

bool is_secret_name(std::string_view name) {
  const auto lower = to_lower(name);
  const auto has = [&](std::string_view part) { return lower.find(part) != std::string::npos; };
  const bool secret = std::ranges::any_of(kSecretParts, has) || lower == "pwd" ||
                      lower.ends_with("_pwd") || lower.ends_with("_pass") ||
                      lower.ends_with("jwt_key") || lower.ends_with("signing_key") ||
                      lower.ends_with("encryption_key");
  return secret && std::ranges::none_of(kPublicParts, has);
}

namespace {
/// "{SLUG}", "%TOKEN%", "__PASSWORD__", "[secret]": where a template puts something.
bool is_slot(std::string_view text) {
  constexpr std::array<std::string_view, 5> kMarks = {"{}", "%%", "__", "[]", "@@"};
  const bool marked = text.size() > 2 && std::ranges::any_of(kMarks, [&](std::string_view marks) {
                        return text.front() == marks[0] && text.back() == marks[1];
                      });
  if (text.starts_with('_') && !(text.starts_with("__") && text.ends_with("__"))) return false;
  return marked && std::ranges::all_of(text.substr(1, text.size() - 2), [](unsigned char c) {
           return std::isalpha(c) || c == '_' || c == '-' || c == ' ' || c == '.';
         });
}
}  // namespace

bool is_placeholder(std::string_view value) {
  if (is_slot(trim(value))) return true;
  const auto lower = to_lower(trim(value));
  if (lower.empty() || lower.find_first_not_of("x.*-_ ?") == std::string::npos) return true;
  if (lower == "todo" || value.find("TODO") != std::string_view::npos) return true;
  return any_of_words(
      lower,
      {"your", "changeme", "change-me", "change_me", "replace",   "example",  "placeholder", "<",
       "${",   "{{",       "dummy",     "fake",      "insert",    "votre",    "xxxx",        "....",
       "$(",   "to_be",    "remplac",   "changez",   "string-in", "in-format"});
}

bool is_production_code(const CodeFile& file) {
  return file.production;
}

Instances instances_of(const Subject& subject) {
  Instances found;
  if (subject.environment) {
    for (const auto& process : subject.environment->processes) {
      const int most = process.autoscale ? process.autoscale->max : process.instances;
      if (process.takes_traffic && most > found.count)
        found = {most, "ecluse.yml gives process " + process.name + " " + std::to_string(most) +
                           " instances"};
    }
    return found;
  }
  for (const auto* compose : subject.stack.composes) {
    for (const auto& service : compose->services) {
      const auto twins = twins_of(*compose, service);
      if (service.replicas > found.count && service_of_image(service.image).empty())
        found = {service.replicas, compose->path + " gives service " + service.name + " " +
                                       std::to_string(service.replicas) + " replicas"};
      if (static_cast<int>(twins.size()) > found.count)
        found = {static_cast<int>(twins.size()),
                 compose->path + " starts it as " + join(twins, ", ")};
    }
  }
  return found;
}

std::vector<std::string> twins_of(const Compose& compose, const ComposeService& service) {
  std::vector<std::string> names;
  const bool runs = !service.command.empty() || !service.entrypoint.empty();
  if (!service.context || (!runs && service.ports.empty())) return names;
  for (const auto& each : compose.services)
    if (built_from(compose, each) == built_from(compose, service) &&
        each.command == service.command && each.entrypoint == service.entrypoint &&
        each.target == service.target && each.profiles == service.profiles)
      names.push_back(each.name);
  return names;
}

bool is_plain_yarn(std::string_view text) {
  for (const auto& part : split(text, '&')) {
    const auto bare = trim(part);
    if (bare == "yarn" || bare.starts_with("yarn --")) return true;
  }
  return false;
}

std::string_view service_of_image(std::string_view image) {
  auto name = image.substr(0, image.find('@'));
  name = name.substr(name.rfind('/') == std::string_view::npos ? 0 : name.rfind('/') + 1);
  name = name.substr(0, name.find(':'));
  for (const std::string_view known :
       {"postgres", "postgis", "mysql", "mariadb", "mongo", "redis", "valkey", "memcached",
        "elasticsearch", "opensearch", "rabbitmq", "cassandra", "timescaledb", "pgvector"}) {
    if (name == known) return known;
  }
  if (name == "postgresql" || name == "timescaledb-ha") return "postgres";
  if (name == "mongodb") return "mongo";
  return {};
}

const EnvRead* read_within(const CodeFile& file, const Assignment& assignment) {
  const auto lines = static_cast<int>(std::ranges::count(assignment.value.text, '\n'));
  const EnvRead* best = nullptr;
  for (const auto& read : file.reads) {
    const bool inside = read.place.line >= assignment.value.place.line &&
                        read.place.line <= assignment.value.place.line + lines;
    if (inside && read.place >= assignment.place && !best) best = &read;
  }
  return best;
}

}  // namespace ecluse::preflight
