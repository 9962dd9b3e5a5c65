#include "config/check.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "base/text.h"
#include "config/alert_rule.h"

namespace ecluse::config {

namespace {

using model::EnvironmentSpec;

/// Collects what is wrong with one environment after another.
class Checker {
 public:
  Checker(const Parsed& parsed, const Broken& broken) : parsed_(parsed), broken_(broken) {}

  std::vector<Diagnostic> run() {
    for (const auto& environment : parsed_.spec.environments) {
      environment_ = &environment;
      check_processes();
      check_routes();
      check_volumes();
      check_variables();
      check_gates();
      check_canary();
      check_services();
      check_protection();
      check_tls();
      check_watching();
    }
    check_hosts();
    check_ports();
    check_promotions();
    return std::move(problems_);
  }

 private:
  void add(Severity severity, std::string_view path, std::string message, std::string expected,
           std::string nearest = {}) {
    if (follows_from_another(path)) return;
    const Origin* origin = origin_of(parsed_.origins.at(environment_->name), path);
    const Place place = origin == nullptr ? Place{} : origin->place;
    problems_.push_back({parsed_.file, place.line, place.column, std::move(message),
                         std::move(expected), std::move(nearest), severity});
  }
  /// What was refused already is not complained of twice.
  bool follows_from_another(std::string_view path) const {
    return std::ranges::any_of(broken_.at(environment_->name), [&](const std::string& refused) {
      return is_within(refused, path) || is_within(path, refused);
    });
  }
  void error(std::string_view path, std::string message, std::string expected = {},
             std::string nearest = {}) {
    add(Severity::kError, path, std::move(message), std::move(expected), std::move(nearest));
  }
  void warn(std::string_view path, std::string message, std::string expected = {}) {
    add(Severity::kWarning, path, std::move(message), std::move(expected));
  }

  bool has_image(const model::ProcessSpec& process) const {
    const auto kind = process.build.value_or(environment_->build).kind;
    return kind == model::BuildKind::kImage || kind == model::BuildKind::kDockerfile;
  }

  void check_processes() {
    if (environment_->processes.empty())
      return error("processes", "nothing to run: there is no process",
                   "processes: {web: {command: ...}}");
    for (const auto& process : environment_->processes) check_process(process);
  }

  void check_process(const model::ProcessSpec& process) {
    const std::string path = "processes." + process.name;
    if (process.command.empty() && !has_image(process))
      error(path, fmt::format("process '{}' has no command", process.name), "command: ...");
    check_command(path + ".command", process.command);
    if (process.autoscale && process.autoscale->min > process.autoscale->max)
      error(path + ".autoscale", fmt::format("{}.autoscale has a min above its max", path),
            "min <= max");
    if (process.affinity == model::Affinity::kInstance && !process.takes_traffic)
      warn(path + ".affinity", fmt::format("process '{}' takes no traffic", process.name));
  }

  /// The command is exec'ed, so that it gets the signals: what stands behind && never runs.
  void check_command(const std::string& path, const std::string& command) {
    char quote = 0;
    for (const char c : command) {
      if (quote != 0 ? c == quote : (c == '\'' || c == '"')) quote = quote != 0 ? 0 : c;
      if (quote == 0 && (c == ';' || c == '|' || c == '&'))
        return warn(path, fmt::format("'{}' in a command: only what stands before it runs", c),
                    "one program; jobs like migrations belong under release:, the rest into "
                    "sh -c '...'");
    }
  }

  void check_routes() {
    std::map<std::string, std::string> taken;
    for (const auto& process : environment_->processes) {
      if (!process.takes_traffic) continue;
      const std::string path = "processes." + process.name;
      const auto routes = process.routes.empty() ? std::vector<std::string>{"/"} : process.routes;
      for (const auto& route : routes) {
        const auto [first, added] = taken.emplace(route, process.name);
        if (!added)
          error(process.routes.empty() ? path : path + ".routes",
                fmt::format("processes '{}' and '{}' both answer {}", first->second, process.name,
                            route),
                "routes: that differ");
      }
    }
  }

  void check_volumes() {
    for (const auto& [name, path] : environment_->volumes)
      for (const auto& [other, inside] : environment_->volumes)
        if (name != other && (path != inside || name > other) &&
            (path + "/").starts_with(inside + "/"))
          error("volumes." + name, fmt::format("volume '{}' lies inside volume '{}'", name, other),
                "folders apart from each other");
  }

  void check_variables() {
    std::set<std::string> seen;
    for (const auto& secret : environment_->secrets) {
      if (!seen.insert(secret).second)
        error("secrets", fmt::format("secret {} is listed twice", secret), "each once");
      if (environment_->env.contains(secret))
        error("env." + secret, fmt::format("{} is both a secret and a plain variable", secret),
              "it under env: or under secrets:");
    }
    check_port_variable("env.PORT", environment_->env);
    for (const auto& process : environment_->processes)
      check_port_variable("processes." + process.name + ".env.PORT", process.env);
  }

  void check_port_variable(const std::string& path,
                           const std::map<std::string, model::EnvValue>& variables) {
    if (variables.contains("PORT"))
      error(path, "PORT is given by ecluse", "`port:` of the process, if the app insists on one");
  }

  void check_gates() {
    const bool asks = environment_->deploy == model::DeployPolicy::kConfirm;
    if (asks && environment_->confirm.empty())
      error("deploy", "deploy: confirm needs the word to type", "confirm: DEPLOY");
    if (!asks && !environment_->confirm.empty())
      error("confirm", "confirm: has no effect beside this deploy:", "deploy: confirm");
    if (environment_->deploy != model::DeployPolicy::kApproval && !environment_->approvers.empty())
      warn("approvers",
           fmt::format("environment '{}' asks for no approval: approvers have nothing to do",
                       environment_->name),
           "deploy: approval");
  }

  void check_canary() {
    double before = 0;
    for (const double weight : environment_->canary.weights) {
      if (weight <= before)
        return error("canary.weights", "canary.weights do not grow, from above 0%",
                     "growing shares, as [10%, 50%]");
      before = weight;
    }
    if (environment_->canary.weights.empty())
      error("canary.weights", "canary.weights is empty", "as [10%, 50%], or [100%]");
  }

  void check_services() {
    for (const auto& service : environment_->services) {
      const bool relational = service.kind == model::ServiceKind::kPostgres ||
                              service.kind == model::ServiceKind::kMariadb;
      if (!service.driver.empty() && !relational)
        error("services." + service.name + ".driver", "only a database's address names a driver",
              "this service without `driver:`");
      if (!service.url) continue;
      const auto* literal = std::get_if<std::string>(&*service.url);
      if (literal == nullptr) continue;
      const std::string path = "services." + service.name + ".url";
      const std::size_t scheme = literal->find("://");
      if (scheme == std::string::npos) {
        error(path, fmt::format("{} is not an address", path),
              "secret:NAME, or as postgres://host/name");
        continue;
      }
      const std::size_t at = literal->find('@');
      const std::size_t colon = literal->find(':', scheme + 3);
      if (at != std::string::npos && colon < at)
        warn(path, fmt::format("{} holds a password in plain text", path), "secret:NAME");
    }
  }

  void check_protection() {
    if (!environment_->protect.basic) return;
    const auto* literal = std::get_if<std::string>(&*environment_->protect.basic);
    if (literal == nullptr) return;
    if (literal->find(':') == std::string::npos)
      error("protect.basic", "protect.basic has no ':'", "secret:NAME, or \"user:password\"");
    else
      warn("protect.basic", "protect.basic holds a password in plain text", "secret:NAME");
  }

  void check_tls() {
    const auto& tls = environment_->tls;
    if (tls.source == model::TlsSource::kFiles && tls.certificate.empty())
      error("tls", "tls: files needs a certificate",
            "{source: files, certificate: /etc/ssl/shop.pem, key: /etc/ssl/shop.key}");
    if (tls.source != model::TlsSource::kAcme) return;
    for (std::size_t i = 0; i < environment_->hosts.size(); ++i) {
      if (environment_->hosts[i].host.starts_with("*."))
        error(fmt::format("hosts[{}]", i),
              "a certificate for a wildcard host needs a validation by DNS, which ecluse cannot do",
              "each host by its name, or tls: files");
    }
  }

  void check_watching() {
    check_backup();
    for (std::size_t i = 0; i < environment_->alerts.size(); ++i) {
      const auto rule = parse_alert_rule(environment_->alerts[i].rule);
      if (!rule) continue;  // refused while reading
      for (const auto& channel : rule->channels) check_channel(channel, i);
    }
  }

  void check_channel(const std::string& channel, std::size_t alert) {
    const auto known = std::ranges::find(environment_->notify, channel, &model::NotifySpec::name);
    if (known == environment_->notify.end())
      warn(fmt::format("alerts[{}]", alert),
           fmt::format("this alert goes to '{}', which notify: does not set up", channel),
           fmt::format("notify: {{{}: ...}}", channel));
  }

  void check_backup() {
    if (!environment_->backup) return;
    const auto missing = [&](bool is_missing, std::string_view key) {
      if (is_missing) error("backup", fmt::format("key '{}' is missing in backup", key));
    };
    missing(environment_->backup->every == Duration::zero(), "every");
    missing(environment_->backup->keep == Duration::zero(), "keep");
    missing(environment_->backup->to.empty(), "to");
  }

  void check_hosts() {
    std::map<std::string, std::string> taken;
    for (const auto& environment : parsed_.spec.environments) {
      environment_ = &environment;
      for (std::size_t i = 0; i < environment.hosts.size(); ++i)
        claim_host(taken, environment.hosts[i].host, fmt::format("hosts[{}]", i));
      check_redirects();
    }
  }

  void claim_host(std::map<std::string, std::string>& taken, const std::string& host,
                  const std::string& path) {
    const auto [first, added] = taken.emplace(host, environment_->name);
    if (!added)
      error(path, fmt::format("host {} belongs to environment '{}' already", host, first->second),
            "each host in one place");
  }

  void check_redirects() {
    const auto& hosts = environment_->hosts;
    const bool any = std::ranges::any_of(hosts, &model::HostSpec::redirect);
    const auto target = std::ranges::find(hosts, false, &model::HostSpec::redirect);
    if (!any) return;
    if (target == hosts.end())
      error("hosts", "every host redirects, and there is none to redirect to",
            "one host without redirect");
    else if (target->host.starts_with("*."))
      error("hosts", "a redirect cannot lead to a wildcard host",
            "a full host name before the wildcard");
  }

  void check_ports() {
    std::map<std::uint16_t, std::string> taken;
    for (const auto& environment : parsed_.spec.environments) {
      environment_ = &environment;
      if (!environment.port) continue;
      const auto [first, added] = taken.emplace(*environment.port, environment.name);
      if (!added)
        error("port",
              fmt::format("port {} belongs to environment '{}' already", *environment.port,
                          first->second),
              "each port once");
    }
  }

  void check_promotions() {
    for (const auto& environment : parsed_.spec.environments) {
      environment_ = &environment;
      if (!environment.promote_from.empty()) check_promotion();
    }
  }

  void check_promotion() {
    const std::string& from = environment_->promote_from;
    std::vector<std::string> others;
    for (const auto& each : parsed_.spec.environments)
      if (each.name != environment_->name) others.push_back(each.name);
    if (from == environment_->name)
      return error("promote_from", "an environment cannot be promoted from itself",
                   others.empty() ? "another environment" : join(others, " or "));
    if (parsed_.spec.find_environment(from) == nullptr)
      return error("promote_from", fmt::format("there is no environment '{}'", from),
                   others.empty() ? "another environment of this file" : join(others, " or "),
                   nearest(from, others).value_or(""));
    if (returns_to(*environment_))
      error("promote_from",
            fmt::format("environment '{}' is promoted from itself in a circle", environment_->name),
            "a chain with a first environment");
  }

  bool returns_to(const EnvironmentSpec& start) const {
    const EnvironmentSpec* at = &start;
    for (std::size_t steps = 0; steps <= parsed_.spec.environments.size(); ++steps) {
      at = parsed_.spec.find_environment(at->promote_from);
      if (at == nullptr) return false;
      if (at == &start) return true;
    }
    return false;  // a circle further up: reported there
  }

  const Parsed& parsed_;
  const Broken& broken_;
  const EnvironmentSpec* environment_ = nullptr;
  std::vector<Diagnostic> problems_;
};

}  // namespace

std::vector<Diagnostic> check(const Parsed& parsed, const Broken& broken) {
  return Checker(parsed, broken).run();
}

}  // namespace ecluse::config
