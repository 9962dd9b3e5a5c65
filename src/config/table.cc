#include "config/table.h"

#include <fmt/format.h>

#include "config/rules.h"
#include "config/shapes.h"
#include "config/values.h"

namespace ecluse::config {

namespace {

using namespace std::chrono_literals;
using model::EnvironmentSpec;
using namespace shapes;

// --- environments -----------------------------------------------------------------------------

Shape<model::HostSpec> host() {
  const Shape<std::string> name = text(rules::host());
  Shape<model::HostSpec> shape;
  const SchemaPtr redirect = make_schema({.kind = SchemaKind::kMap,
                                          .item = make_schema({.words = {"redirect"}}),
                                          .key_pattern = rules::host().pattern});
  shape.schema = make_schema({.kind = SchemaKind::kAnyOf,
                              .name = "host",
                              .expected = "a host name, or {HOST: redirect}",
                              .any_of = {name.schema, redirect}});
  shape.read = [name, schema = shape.schema](const Node& node, Reader& reader,
                                             model::HostSpec& into) {
    if (node.kind != NodeKind::kMap) {
      if (node.kind != NodeKind::kScalar) return reader.wrong(node, schema->expected);
      return name.read(node, reader, into.host);
    }
    if (node.entries.size() != 1 || node.entries[0].value.text != "redirect")
      return reader.wrong(node, "{HOST: redirect}");
    const auto& [key, place, value] = node.entries[0];
    into.redirect = true;
    reader.stands_at(place);
    const Reader::Scope scope(reader, key);
    name.read({.kind = NodeKind::kScalar, .place = place, .text = key}, reader, into.host);
  };
  shape.write = [](const model::HostSpec& from) {
    if (!from.redirect) return text_node(from.host);
    Node node{.kind = NodeKind::kMap};
    node.entries.push_back({from.host, {}, scalar_node("redirect")});
    return node;
  };
  return shape;
}

Shape<model::CanarySpec> canary() {
  using model::CanarySpec;
  const auto inconclusive = word<model::Inconclusive>({{"promote", model::Inconclusive::kPromote},
                                                       {"hold", model::Inconclusive::kHold},
                                                       {"ask", model::Inconclusive::kAsk},
                                                       {"probe", model::Inconclusive::kProbe}});
  const auto no_traffic = word<model::NoTraffic>({{"hold", model::NoTraffic::kHold},
                                                  {"promote", model::NoTraffic::kPromote},
                                                  {"probe", model::NoTraffic::kProbe}});
  const auto sticky =
      word<model::Sticky>({{"none", model::Sticky::kNone}, {"user", model::Sticky::kUser}});
  return record<CanarySpec>(
      {.name = "canary"},
      {field("weights", &CanarySpec::weights, list_of(share()),
             "shares of the traffic, growing; the last step to 100% is implied"),
       field("hold", &CanarySpec::hold, duration(1s, 720h), "how long each share is watched"),
       field("abort_when", &CanarySpec::abort_when, list_of(text(rules::abort_condition())),
             "what ends it: errors > 5%, p95 > 2s, crashes > 1%, errors > 1x stable"),
       field("inconclusive", &CanarySpec::inconclusive, inconclusive,
             "when nothing was proven at the end of the holds"),
       field("no_traffic", &CanarySpec::no_traffic, no_traffic, "when nobody came"),
       field("sticky", &CanarySpec::sticky, sticky,
             "user: a visitor stays with one release, by a client id of the gateway")});
}

Shape<model::ProtectSpec> protect() {
  const auto allow = [] {
    return field("allow", &model::ProtectSpec::allow, list_of(text(rules::address_block())),
                 "addresses or blocks that may come in");
  };
  return with_short_form(
      record<model::ProtectSpec>({.name = "protect"},
                                 {field("basic", &model::ProtectSpec::basic, env_value(),
                                        "\"user:password\", usually secret:NAME"),
                                  allow()}),
      allow(), true);
}

Shape<model::TlsSpec> tls() {
  using model::TlsSource;
  using model::TlsSpec;
  const auto source = [] {
    return field("source", &TlsSpec::source,
                 word<TlsSource>({{"none", TlsSource::kNone},
                                  {"local", TlsSource::kLocal},
                                  {"acme", TlsSource::kAcme},
                                  {"files", TlsSource::kFiles}}),
                 "where certificates come from: ecluse's own authority, an ACME server, files");
  };
  return with_short_form(
      record<TlsSpec>(
          {.name = "tls"},
          {source(),
           field("certificate", &TlsSpec::certificate, text(rules::server_file()),
                 "of `files`: PEM, the certificate and then its chain"),
           field("key", &TlsSpec::key, text(rules::server_file()),
                 "of `files`: PEM; absent: it stands in `certificate`"),
           field("directory", &TlsSpec::directory, text(rules::https_address()),
                 "of `acme`: the server; naming one accepts its terms of service"),
           field("contact", &TlsSpec::contact, text(rules::mail_address()),
                 "of `acme`: whom the server may write to"),
           field("trusted", &TlsSpec::trusted, text(rules::server_file()),
                 "of `acme`: PEM that vouches for a private server"),
           field("redirect", &TlsSpec::redirect, boolean(), "plain HTTP is sent to HTTPS"),
           field("hsts", &TlsSpec::hsts, duration(0s, 17544h),
                 "how long browsers insist on HTTPS; 0s: not said")}),
      source());
}

Shape<model::DeployPolicy> deploy_policy() {
  return word<model::DeployPolicy>({{"automatic", model::DeployPolicy::kAutomatic},
                                    {"manual", model::DeployPolicy::kManual},
                                    {"approval", model::DeployPolicy::kApproval},
                                    {"confirm", model::DeployPolicy::kConfirm}});
}

/// `deploy: {confirm: WORD}` is `deploy: confirm` and `confirm: WORD`.
Field<EnvironmentSpec> deploy() {
  const auto policy = deploy_policy();
  const auto ask = text(rules::confirmation());
  Field<EnvironmentSpec> made =
      field("deploy", &EnvironmentSpec::deploy, policy,
            "automatic on a green push to `branch`; manual; approval; or confirm, a typed word");
  const auto long_form = record<EnvironmentSpec>(
      {.name = "confirmation", .complete = true},
      {field("confirm", &EnvironmentSpec::confirm, ask, "the word to type").required()});
  made.key.value = make_schema({.kind = SchemaKind::kAnyOf,
                                .expected = policy.schema->expected + ", or {confirm: WORD}",
                                .any_of = {policy.schema, long_form.schema}});
  made.read = [policy, long_form](const Node& node, Reader& reader, EnvironmentSpec& into) {
    if (node.kind != NodeKind::kMap) return policy.read(node, reader, into.deploy);
    into.deploy = model::DeployPolicy::kConfirm;
    long_form.read(node, reader, into);
  };
  return made;
}

void confirm_means_confirm(const Node& node, Reader&, EnvironmentSpec& into) {
  if (node.find("confirm") != nullptr && node.find("deploy") == nullptr)
    into.deploy = model::DeployPolicy::kConfirm;
}

// --- watching ---------------------------------------------------------------------------------

Shape<model::BackupSpec> backup() {
  using model::BackupSpec;
  return record<BackupSpec>(
      {.name = "backup"},
      {field("every", &BackupSpec::every, duration(1min, 8784h), "how often").required(),
       field("keep", &BackupSpec::keep, duration(1h, 87600h), "how long each is kept").required(),
       field("to", &BackupSpec::to, text(rules::backup_target()), "s3://, az:// or a folder")
           .required(),
       field("verify", &BackupSpec::verify,
             word<std::string>(
                 {{"never", ""}, {"daily", "daily"}, {"weekly", "weekly"}, {"monthly", "monthly"}}),
             "how often a restore is tried")});
}

Shape<model::MonitorSpec> expectation() {
  using model::MonitorSpec;
  return record<MonitorSpec>(
      {.name = "expectation"},
      {field("status", &MonitorSpec::expect_status, whole(100, 599), "the answer's status"),
       field("contains", &MonitorSpec::expect_contains, text(rules::expected_text()),
             "a text the page must hold"),
       field("warn_over", &MonitorSpec::warn_over, duration(1ms, 10min),
             "slower answers are warned of")});
}

Field<model::MonitorSpec> expect() {
  const auto inside = expectation();
  Field<model::MonitorSpec> made;
  made.key = {.name = "expect", .value = inside.schema, .meaning = "what a good answer is"};
  made.read = inside.read;
  made.write = [inside](const model::MonitorSpec& from) { return inside.write(from); };
  made.later_inside = inside.later;
  return made;
}

Shape<model::MonitorSpec> monitor() {
  using model::MonitorSpec;
  return record<MonitorSpec>(
      {.name = "site check", .complete = true},
      {field("url", &MonitorSpec::url, text(rules::monitor_url()), "a path, or a whole address")
           .required(),
       field("every", &MonitorSpec::every, duration(10s, 720h), "how often").required(), expect()});
}

Shape<model::WaiverSpec> waiver() {
  using model::WaiverSpec;
  return record<WaiverSpec>(
      {.name = "waiver", .complete = true},
      {field("rule", &WaiverSpec::rule, text(rules::rule_id()), "which rule").required(),
       field("path", &WaiverSpec::path, text(rules::waived_path()),
             "the file or folder it is about; absent: everywhere"),
       field("reason", &WaiverSpec::reason, text(rules::reason()), "why it is accepted").required(),
       field("until", &WaiverSpec::until, text(rules::day()), "the last day it holds").required()});
}

Shape<model::AlertSpec> alert() {
  Shape<model::AlertSpec> shape;
  const auto rule = text(rules::alert_rule());
  shape.schema = rule.schema;
  shape.read = [rule](const Node& node, Reader& reader, model::AlertSpec& into) {
    rule.read(node, reader, into.rule);
  };
  shape.write = [](const model::AlertSpec& from) { return text_node(from.rule); };
  return shape;
}

/// A channel's settings, each a key of its own.
Field<model::NotifySpec> setting(const std::string& name, std::string meaning) {
  const auto value = env_value();
  Field<model::NotifySpec> made;
  made.key = {.name = name, .value = value.schema, .meaning = std::move(meaning)};
  made.read = [name, value](const Node& node, Reader& reader, model::NotifySpec& into) {
    value.read(node, reader, into.settings[name]);
  };
  made.write = [name, value](const model::NotifySpec& from) -> std::optional<Node> {
    const auto found = from.settings.find(name);
    if (found == from.settings.end()) return std::nullopt;
    return value.write(found->second);
  };
  made.later_inside = [](const model::NotifySpec&, const std::string&, Uses&) {};
  return made;
}

using Channels = std::vector<model::NotifySpec>;

Field<Channels> channel(const std::string& name, std::string meaning,
                        std::vector<Field<model::NotifySpec>> settings) {
  const auto shape = record<model::NotifySpec>({.name = name + " channel"}, std::move(settings));
  Field<Channels> made;
  made.key = {.name = name, .value = shape.schema, .meaning = std::move(meaning)};
  made.read = [name, shape](const Node& node, Reader& reader, Channels& into) {
    auto found =
        std::find_if(into.begin(), into.end(), [&](const auto& each) { return each.name == name; });
    if (found == into.end()) found = into.insert(into.end(), model::NotifySpec{name, {}});
    shape.read(node, reader, *found);
  };
  made.write = [name, shape](const Channels& from) -> std::optional<Node> {
    for (const auto& each : from)
      if (each.name == name) return shape.write(each);
    return std::nullopt;
  };
  made.later_inside = [](const Channels&, const std::string&, Uses&) {};
  return made;
}

Shape<Channels> notify() {
  return record<Channels>(
      {.name = "notify"},
      {channel("slack", "a Slack channel", {setting("webhook", "its address, secret:NAME")}),
       channel("discord", "a Discord channel",
               {setting("webhook", "its address, secret:NAME"),
                setting("everyone_on", "severity that calls everyone: critical")}),
       channel("email", "mail",
               {setting("to", "who gets it"), setting("from", "the sender"),
                setting("smtp", "smtp://host:port"), setting("user", "login"),
                setting("password", "secret:NAME")}),
       channel("pagerduty", "PagerDuty", {setting("key", "integration key, secret:NAME")}),
       channel("webhook", "any address that takes JSON",
               {setting("url", "the address"), setting("token", "bearer token, secret:NAME")})});
}

// --- the table --------------------------------------------------------------------------------

/// `dockerfile: X` at the top is `build: {dockerfile: X}`.
Field<EnvironmentSpec> build_alias(const std::string& name, std::string meaning) {
  const auto whole = build();
  Field<EnvironmentSpec> made;
  made.key = {.name = name,
              .value = make_schema({.kind = SchemaKind::kText, .expected = "a text"}),
              .meaning = std::move(meaning),
              .later = kNoImages};
  made.read = [name, whole](const Node& node, Reader& reader, EnvironmentSpec& into) {
    Node build_node{.kind = NodeKind::kMap, .place = node.place};
    build_node.entries.push_back({name, node.place, node});
    whole.read(build_node, reader, into.build);
    reader.replace("build");
    reader.stands_at("build", node.place);
    reader.stands_at("build." + name, node.place);
  };
  made.write = [](const EnvironmentSpec&) { return std::nullopt; };
  made.later_inside = [](const EnvironmentSpec&, const std::string&, Uses&) {};
  return made;
}

std::vector<Field<EnvironmentSpec>> shared_fields() {
  const auto secret_name = text({.expected = "a secret's name of letters, digits and _",
                                 .pattern = variable_key().pattern,
                                 .check = rules::variable_name});
  const auto warm = word<model::Warm>(
      {{"all", model::Warm::kAll}, {"one", model::Warm::kOne}, {"none", model::Warm::kNone}});
  return {
      field("build", &EnvironmentSpec::build, build(), "how the artifact is made"),
      build_alias("dockerfile", "short for `build: {dockerfile: ...}`"),
      build_alias("image", "short for `build: {image: ...}`"),
      field("checks", &EnvironmentSpec::checks, list_of(check()),
            "run in a clean checkout; the first failure stops everything"),
      field("release", &EnvironmentSpec::release, list_of(release_job()),
            "run once per release and environment, under a lock, in the new artifact"),
      field("processes", &EnvironmentSpec::processes, named(name_key(), process()),
            "what runs; `web`, or one with routes, port, ready or static, takes traffic"),
      field("services", &EnvironmentSpec::services, named(name_key(), service()),
            "databases and caches; their addresses are injected"),
      field("volumes", &EnvironmentSpec::volumes, map_of(name_key(), text(rules::volume_path())),
            "folders that outlive releases, by name"),
      field("cron", &EnvironmentSpec::cron, named(name_key(), cron()), "jobs by the clock")
          .later("these jobs do not run"),
      field("approvers", &EnvironmentSpec::approvers, list_of(text(rules::person())),
            "people or groups who may approve; empty: anybody who may deploy"),
      field("protect", &EnvironmentSpec::protect, protect(), "who may see the site"),
      field("tls", &EnvironmentSpec::tls, tls(), "HTTPS: none, local, acme or files"),
      field("pages", &EnvironmentSpec::pages, map_of(page_key(), text(folder_rule())),
            "the app's own error pages: HTML files of the release"),
      field("canary", &EnvironmentSpec::canary, canary(), "how traffic moves to a new release"),
      field("bake", &EnvironmentSpec::bake, duration(0s, 720h),
            "how long the old release stays warm: rollback is a pointer swap"),
      field("warm", &EnvironmentSpec::warm, warm, "how much of the old release stays meanwhile"),
      field("drain", &EnvironmentSpec::drain, duration(0s, 24h),
            "what requests in flight get before the old release stops"),
      field("env", &EnvironmentSpec::env, variables(), "variables of every process"),
      field("secrets", &EnvironmentSpec::secrets, list_of(secret_name),
            "secrets injected under their own names"),
      field("backup", &EnvironmentSpec::backup, backup(), "backups of services and volumes")
          .later("nothing is backed up"),
      field("monitor", &EnvironmentSpec::monitor, list_of(monitor()), "uptime checks")
          .later("nothing is watched"),
      field("alerts", &EnvironmentSpec::alerts, list_of(alert()), "when to tell whom")
          .later("nobody is told"),
      field("notify", &EnvironmentSpec::notify, notify(), "the channels alerts go to")
          .later("nothing is sent"),
      field("waivers", &EnvironmentSpec::waivers, list_of(waiver()),
            "findings of ecluse check that are accepted for a while"),
  };
}

std::vector<Field<EnvironmentSpec>> environment_fields() {
  std::vector<Field<EnvironmentSpec>> fields = {
      field("hosts", &EnvironmentSpec::hosts, list_of(host()),
            "names it answers to; absent without `port`: NAME.APP.localhost"),
      field("port", &EnvironmentSpec::port, port_number(),
            "a listener of its own on the gateway's address"),
      deploy(),
      field("branch", &EnvironmentSpec::branch, text(rules::branch()),
            "the branch of `deploy: automatic`"),
      field("confirm", &EnvironmentSpec::confirm, text(rules::confirmation()),
            "the word to type before a deploy"),
      field("promote_from", &EnvironmentSpec::promote_from, text(rules::environment_name()),
            "takes the very artifact of that environment"),
  };
  for (auto& each : shared_fields()) fields.push_back(std::move(each));
  return fields;
}

Field<File> environments() {
  const SchemaPtr schema = make_schema({.kind = SchemaKind::kMap,
                                        .expected = "a map of names to environments",
                                        .item = environment_shape().schema,
                                        .key_pattern = name_key().pattern});
  Field<File> made;
  made.key = {.name = "environments",
              .value = schema,
              .meaning = "where it runs; each may overlay what the top of the file says",
              .default_text = "{prod: {}}"};
  made.read = [schema](const Node& node, Reader& reader, File& into) {
    if (node.kind != NodeKind::kMap || node.entries.empty())
      return reader.wrong(node, schema->expected);
    for (const auto& entry : node.entries) {
      if (name_key().fits(entry.key))
        into.environments.push_back(entry);
      else
        reader.error(entry.place,
                     fmt::format("'{}' cannot name an environment", printable(entry.key, 60)),
                     name_key().expected);
    }
  };
  made.write = [](const File&) { return std::nullopt; };
  made.later_inside = [](const File&, const std::string&, Uses&) {};
  return made;
}

void one_build(const Node& node, Reader& reader) {
  const Entry* first = nullptr;
  for (const auto& entry : node.entries) {
    if (entry.key != "build" && entry.key != "dockerfile" && entry.key != "image") continue;
    if (first == nullptr)
      first = &entry;
    else
      reader.error(entry.place,
                   fmt::format("'{}' and '{}' both say how to build", first->key, entry.key),
                   "one of them");
  }
}

}  // namespace

const Shape<EnvironmentSpec>& environment_shape() {
  static const Shape<EnvironmentSpec> shape =
      record<EnvironmentSpec>({.name = "environment", .may_be_empty = true}, environment_fields(),
                              [](const Node& node, Reader& reader, EnvironmentSpec& into) {
                                one_build(node, reader);
                                confirm_means_confirm(node, reader, into);
                              });
  return shape;
}

const Shape<File>& file_shape() {
  static const Shape<File> shape = [] {
    std::vector<Field<File>> fields = {
        field("app", &File::app, text(rules::app_name()), "the app's name").required()};
    for (auto& each : shared_fields()) fields.push_back(lifted<File>(std::move(each), &File::base));
    fields.push_back(environments());
    return record<File>({.name = "app", .complete = true}, std::move(fields),
                        [](const Node& node, Reader& reader, File&) { one_build(node, reader); });
  }();
  return shape;
}

}  // namespace ecluse::config
