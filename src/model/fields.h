#pragma once
// The fields of every model struct, named once (base/json_fields.h). Included by .cc files that
// make JSON.

#include <variant>

#include "base/json_text.h"
#include "model/release.h"

namespace ecluse::model {

inline constexpr std::string_view kBuildKindNames[] = {
    "detect", "python", "uv", "poetry", "node", "go", "cmake", "command", "dockerfile", "image"};
inline constexpr std::string_view kAffinityNames[] = {"none", "instance"};
inline constexpr std::string_view kServiceKindNames[] = {"postgres", "redis", "mariadb", "mongodb"};
inline constexpr std::string_view kDeployPolicyNames[] = {"automatic", "manual", "approval",
                                                          "confirm"};
inline constexpr std::string_view kInconclusiveNames[] = {"promote", "hold", "ask", "probe"};
inline constexpr std::string_view kNoTrafficNames[] = {"hold", "promote", "probe"};
inline constexpr std::string_view kStickyNames[] = {"none", "user"};
inline constexpr std::string_view kTlsSourceNames[] = {"off", "local", "acme", "files"};
inline constexpr std::string_view kWarmNames[] = {"all", "one", "none"};

using Names = std::span<const std::string_view>;
inline Names names_of(BuildKind) {
  return kBuildKindNames;
}
inline Names names_of(Affinity) {
  return kAffinityNames;
}
inline Names names_of(ServiceKind) {
  return kServiceKindNames;
}
inline Names names_of(DeployPolicy) {
  return kDeployPolicyNames;
}
inline Names names_of(Inconclusive) {
  return kInconclusiveNames;
}
inline Names names_of(NoTraffic) {
  return kNoTrafficNames;
}
inline Names names_of(Sticky) {
  return kStickyNames;
}
inline Names names_of(TlsSource) {
  return kTlsSourceNames;
}
inline Names names_of(Warm) {
  return kWarmNames;
}

template <typename V>
void fields(V& v, EnvironmentKey& x) {
  v("app", x.app);
  v("environment", x.environment);
}
template <typename V>
void fields(V& v, ReleaseKey& x) {
  v("environment", x.environment);
  v("number", x.number);
}
template <typename V>
void fields(V& v, Artifact& x) {
  v("digest", x.digest);
  v("app", x.app);
  v("commit", x.commit);
  v("environment", x.environment);
  v("bytes", x.bytes);
  v("built_at_ms", x.built_at);
}
template <typename V>
void fields(V& v, Commit& x) {
  v("sha", x.sha);
  v("author", x.author);
  v("subject", x.subject);
  v("at_ms", x.at);
}
template <typename V>
void fields(V& v, BuildSpec& x) {
  v("kind", x.kind);
  v("source", x.source);
  v("version", x.version);
  v("prefer", x.prefer);
  v("run", x.run);
  v("per_environment", x.per_environment);
}
template <typename V>
void fields(V& v, CheckSpec& x) {
  v("run", x.run);
  v("coverage_min", x.coverage_min);
  v("timeout_ms", x.timeout);
}
template <typename V>
void fields(V& v, ReleaseJobSpec& x) {
  v("run", x.run);
  v("backup_before", x.backup_before);
  v("reversible", x.reversible);
  v("blocking", x.blocking);
  v("timeout_ms", x.timeout);
}
template <typename V>
void fields(V& v, ProbeSpec& x) {
  v("path", x.path);
  v("interval_ms", x.interval);
  v("timeout_ms", x.timeout);
  v("after", x.after);
  v("fail", x.fail);
  v("start_ms", x.start);
}
template <typename V>
void fields(V& v, LimitSpec& x) {
  v("memory_bytes_max", x.memory_bytes_max);
  v("cpus", x.cpus);
  v("pids_max", x.pids_max);
}
template <typename V>
void fields(V& v, AutoscaleSpec& x) {
  v("min", x.min);
  v("max", x.max);
  v("cpu", x.cpu);
}
template <typename V>
void fields(V& v, ProcessSpec& x) {
  v("name", x.name);
  v("command", x.command);
  v("instances", x.instances);
  v("autoscale", x.autoscale);
  v("port", x.port);
  v("takes_traffic", x.takes_traffic);
  v("ready", x.ready);
  v("live", x.live);
  v("static_paths", x.static_paths);
  v("routes", x.routes);
  v("websockets", x.websockets);
  v("affinity", x.affinity);
  v("root", x.root);
  v("build", x.build);
  v("limits", x.limits);
  v("stop_grace_ms", x.stop_grace);
  v("env", x.env);
}
template <typename V>
void fields(V& v, ServiceSpec& x) {
  v("name", x.name);
  v("kind", x.kind);
  v("version", x.version);
  v("url", x.url);
  v("driver", x.driver);
  v("limits", x.limits);
}
template <typename V>
void fields(V& v, CronSpec& x) {
  v("name", x.name);
  v("every", x.every);
  v("run", x.run);
}
template <typename V>
void fields(V& v, HostSpec& x) {
  v("host", x.host);
  v("redirect", x.redirect);
}
template <typename V>
void fields(V& v, CanarySpec& x) {
  v("weights", x.weights);
  v("hold_ms", x.hold);
  v("abort_when", x.abort_when);
  v("inconclusive", x.inconclusive);
  v("no_traffic", x.no_traffic);
  v("sticky", x.sticky);
}
template <typename V>
void fields(V& v, TlsSpec& x) {
  v("source", x.source);
  v("certificate", x.certificate);
  v("key", x.key);
  v("directory", x.directory);
  v("contact", x.contact);
  v("trusted", x.trusted);
  v("redirect", x.redirect);
  v("hsts_ms", x.hsts);
}
template <typename V>
void fields(V& v, ProtectSpec& x) {
  v("basic", x.basic);
  v("allow", x.allow);
}
template <typename V>
void fields(V& v, BackupSpec& x) {
  v("every_ms", x.every);
  v("keep_ms", x.keep);
  v("to", x.to);
  v("verify", x.verify);
}
template <typename V>
void fields(V& v, MonitorSpec& x) {
  v("url", x.url);
  v("every_ms", x.every);
  v("expect_status", x.expect_status);
  v("expect_contains", x.expect_contains);
  v("warn_over_ms", x.warn_over);
}
template <typename V>
void fields(V& v, WaiverSpec& x) {
  v("rule", x.rule);
  v("path", x.path);
  v("reason", x.reason);
  v("until", x.until);
}
template <typename V>
void fields(V& v, AlertSpec& x) {
  v("rule", x.rule);
}
template <typename V>
void fields(V& v, NotifySpec& x) {
  v("name", x.name);
  v("settings", x.settings);
}
template <typename V>
void fields(V& v, EnvironmentSpec& x) {
  v("app", x.app);
  v("name", x.name);
  v("build", x.build);
  v("checks", x.checks);
  v("release", x.release);
  v("processes", x.processes);
  v("services", x.services);
  v("volumes", x.volumes);
  v("cron", x.cron);
  v("hosts", x.hosts);
  v("port", x.port);
  v("deploy", x.deploy);
  v("branch", x.branch);
  v("confirm", x.confirm);
  v("approvers", x.approvers);
  v("promote_from", x.promote_from);
  v("protect", x.protect);
  v("tls", x.tls);
  v("canary", x.canary);
  v("bake_ms", x.bake);
  v("warm", x.warm);
  v("drain_ms", x.drain);
  v("env", x.env);
  v("secrets", x.secrets);
  v("backup", x.backup);
  v("monitor", x.monitor);
  v("alerts", x.alerts);
  v("notify", x.notify);
  v("waivers", x.waivers);
  v("pages", x.pages);
}
template <typename V>
void fields(V& v, Release& x) {
  v("key", x.key);
  v("artifact", x.artifact);
  v("commit", x.commit);
  v("spec", x.spec);
  v("secret_versions", x.secret_versions);
  v("created_at_ms", x.created_at);
  v("created_by", x.created_by);
  v("built_per_environment", x.built_per_environment);
  v("layer", x.layer);
  v("audit", x.audit);
}

}  // namespace ecluse::model

namespace ecluse::json_fields {

/// A plain value is a string, a reference is {"secret": "NAME"}.
template <>
struct Codec<model::EnvValue> {
  template <typename Json>
  static void put(Json& out, const model::EnvValue& value) {
    if (const auto* plain = std::get_if<std::string>(&value)) {
      out = *plain;
    } else {
      out = Json{{"secret", std::get<model::SecretRef>(value).name}};
    }
  }
  template <typename Json>
  static void get(const Json& in, model::EnvValue& value) {
    if (in.is_string()) {
      value = in.template get<std::string>();
    } else {
      value = model::SecretRef{in.at("secret").template get<std::string>()};
    }
  }
};
template <>
struct TextForm<model::EnvValue> {
  static void write(std::string& out, const model::EnvValue& value) {
    if (const auto* plain = std::get_if<std::string>(&value)) return append_quoted(out, *plain);
    TextWriter writer{out};
    writer("secret", std::get<model::SecretRef>(value).name);
    writer.finish();
  }
};

}  // namespace ecluse::json_fields
