#pragma once
// What ecluse.yml says, with every default filled in and one environment's overlay applied. Plain
// values: config/ makes them, everybody reads them. Comparison is by value; JSON is in spec_json.h.

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "base/time.h"

namespace ecluse::model {

/// `secret:NAME` in ecluse.yml: the value is looked up in the secret store at run time.
struct SecretRef {
  std::string name;
  bool operator==(const SecretRef&) const = default;
};
using EnvValue = std::variant<std::string, SecretRef>;

enum class BuildKind {
  kDetect,
  kPython,
  kUv,
  kPoetry,
  kNode,
  kGo,
  kCmake,
  kCommand,
  kDockerfile,
  kImage
};

struct BuildSpec {
  BuildKind kind = BuildKind::kDetect;
  std::string source;            ///< requirements file, Dockerfile, image reference, package folder
  std::string version;           ///< of the interpreter, "3.13"; empty: the distribution's
  std::string prefer;            ///< of Python, where the machine has it; `version` is a must
  std::vector<std::string> run;  ///< commands after the dependencies are installed, in order
  std::vector<std::string>
      per_environment;  ///< variables inlined when built: one build per environment
  bool operator==(const BuildSpec&) const = default;
};

struct CheckSpec {
  std::string run;
  std::optional<double> coverage_min;  ///< 0..1; the check's output must report at least this
  Duration timeout = std::chrono::minutes(15);
  bool operator==(const CheckSpec&) const = default;
};

struct ReleaseJobSpec {
  std::string run;
  bool backup_before = false;  ///< a proven backup comes first; so it does when not reversible
  bool reversible = true;      ///< false: a rollback cannot undo it
  bool blocking = false;       ///< requests wait while it runs
  Duration timeout = std::chrono::minutes(15);
  bool operator==(const ReleaseJobSpec&) const = default;
};

struct ProbeSpec {
  std::string path = "/";
  Duration interval = std::chrono::seconds(1);
  Duration timeout = std::chrono::seconds(5);
  int after = 1;                              ///< successes in a row until ready
  int fail = 3;                               ///< failures in a row until not ready
  Duration start = std::chrono::seconds(40);  ///< how long the first success may take
  bool operator==(const ProbeSpec&) const = default;
};

struct LimitSpec {
  std::uint64_t memory_bytes_max = 512ULL << 20;
  double cpus = 1.0;
  std::uint32_t pids_max = 512;
  bool operator==(const LimitSpec&) const = default;
};

struct AutoscaleSpec {
  int min = 1;
  int max = 1;
  double cpu = 0.7;
  bool operator==(const AutoscaleSpec&) const = default;
};

enum class Affinity { kNone, kInstance };

struct ProcessSpec {
  std::string name;
  std::string command;  ///< run by /bin/sh -c "exec ..." inside the release
  int instances = 1;
  std::optional<AutoscaleSpec> autoscale;
  std::optional<std::uint16_t> port;  ///< what the app listens on; absent: $PORT, given by ecluse
  bool takes_traffic = false;         ///< `web`, or a process with routes, port or ready
  std::optional<ProbeSpec> ready;     ///< absent with traffic: the port accepts a connection
  std::optional<ProbeSpec> live;
  std::map<std::string, std::string> static_paths;  ///< URL prefix to folder of the release
  std::vector<std::string> routes;                  ///< path prefixes; empty: "/"
  /// Path prefixes where a WebSocket may be opened; empty: nowhere.
  std::vector<std::string> websockets = {"/"};
  Affinity affinity = Affinity::kNone;
  std::string root;                ///< folder of the repository; empty: its top
  std::optional<BuildSpec> build;  ///< absent: the app's
  LimitSpec limits;
  Duration stop_grace = std::chrono::seconds(30);  ///< SIGTERM, then SIGKILL after this
  std::map<std::string, EnvValue> env;
  bool operator==(const ProcessSpec&) const = default;
};

enum class ServiceKind { kPostgres, kRedis, kMariadb, kMongodb };

struct ServiceSpec {
  std::string name;
  ServiceKind kind = ServiceKind::kPostgres;
  std::string version;          ///< major; empty: what is installed, then pinned in state
  std::optional<EnvValue> url;  ///< external: ecluse starts nothing
  std::string driver;           ///< named by the address that the app gets: "asyncpg"
  LimitSpec limits;
  bool operator==(const ServiceSpec&) const = default;
};

struct CronSpec {
  std::string name;
  std::string every;  ///< "day at 03:00", "15m", or five cron fields
  std::string run;
  bool operator==(const CronSpec&) const = default;
};

struct HostSpec {
  std::string host;       ///< lower case; "*.example.org" is a wildcard
  bool redirect = false;  ///< answers with a redirect to the first host
  bool operator==(const HostSpec&) const = default;
};

enum class DeployPolicy { kAutomatic, kManual, kApproval, kConfirm };
enum class Inconclusive { kPromote, kHold, kAsk, kProbe };
enum class NoTraffic { kHold, kPromote, kProbe };
enum class Sticky { kNone, kUser };
enum class Warm { kAll, kOne, kNone };  ///< how much of the old release stays while baking

struct CanarySpec {
  std::vector<double> weights = {1.0};  ///< 0..1, growing; a final 1.0 is implied
  Duration hold = std::chrono::minutes(5);
  std::vector<std::string> abort_when;
  Inconclusive inconclusive = Inconclusive::kPromote;
  NoTraffic no_traffic = NoTraffic::kHold;
  Sticky sticky = Sticky::kNone;
  bool operator==(const CanarySpec&) const = default;
};

struct ProtectSpec {
  std::optional<EnvValue> basic;   ///< "user:password", usually a secret
  std::vector<std::string> allow;  ///< addresses or CIDR blocks
  bool operator==(const ProtectSpec&) const = default;
};

enum class TlsSource { kNone, kLocal, kAcme, kFiles };

/// How the environment's hosts are served over TLS.
struct TlsSpec {
  TlsSource source = TlsSource::kNone;
  std::string certificate;  ///< kFiles: PEM on the server, the leaf first
  std::string key;          ///< PEM; empty: in `certificate`
  std::string directory = "https://acme-v02.api.letsencrypt.org/directory";
  std::string contact;  ///< of the ACME account: an e-mail address, or empty
  std::string trusted;  ///< PEM on the server that vouches for the ACME server; empty: the system's
  bool redirect = true;
  Duration hsts{};  ///< 0: not said
  bool operator==(const TlsSpec&) const = default;
};

struct BackupSpec {
  Duration every{};
  Duration keep{};
  std::string to;
  std::string verify;
  bool operator==(const BackupSpec&) const = default;
};

struct MonitorSpec {
  std::string url;
  Duration every{};
  std::optional<int> expect_status;
  std::string expect_contains;
  std::optional<Duration> warn_over;
  bool operator==(const MonitorSpec&) const = default;
};

/// A finding of the audit that people have accepted for a while.
struct WaiverSpec {
  std::string rule;  ///< "DB-001"
  std::string path;  ///< of the file it is about, or a folder; empty: everywhere
  std::string reason;
  std::string until;  ///< the last day it holds, "2026-12-31"
  bool operator==(const WaiverSpec&) const = default;
};

struct AlertSpec {
  std::string rule;  ///< as written; parsed by alerts/ when its engine comes
  bool operator==(const AlertSpec&) const = default;
};

struct NotifySpec {
  std::string name;  ///< slack, discord, email, pagerduty
  std::map<std::string, EnvValue> settings;
  bool operator==(const NotifySpec&) const = default;
};

/// One environment of an app, complete: nothing else needs to be read to deploy to it.
struct EnvironmentSpec {
  std::string app;
  std::string name;
  BuildSpec build;
  std::vector<CheckSpec> checks;
  std::vector<ReleaseJobSpec> release;
  std::vector<ProcessSpec> processes;
  std::vector<ServiceSpec> services;
  std::map<std::string, std::string> volumes;  ///< name to path inside the release, "/app/media"
  std::vector<CronSpec> cron;
  std::vector<HostSpec> hosts;
  std::optional<std::uint16_t> port;  ///< a listener of its own on the gateway's address
  DeployPolicy deploy = DeployPolicy::kManual;
  std::string branch = "main";  ///< for `deploy: automatic`
  std::string confirm;          ///< the word to type for kConfirm
  std::vector<std::string> approvers;
  std::string promote_from;  ///< environment whose artifact this one takes
  ProtectSpec protect;
  TlsSpec tls;
  CanarySpec canary;
  Duration bake = std::chrono::minutes(10);
  Warm warm = Warm::kAll;
  Duration drain = std::chrono::seconds(30);  ///< budget of requests in flight
  std::map<std::string, EnvValue> env;
  std::vector<std::string> secrets;  ///< injected under their own names
  std::optional<BackupSpec> backup;
  std::vector<MonitorSpec> monitor;
  std::vector<AlertSpec> alerts;
  std::vector<NotifySpec> notify;
  std::vector<WaiverSpec> waivers;
  std::map<std::string, std::string> pages;  ///< "503" to a file of the release
  bool operator==(const EnvironmentSpec&) const = default;

  const ProcessSpec* find_process(std::string_view process) const;
};

/// The whole file.
struct AppSpec {
  std::string app;
  std::vector<EnvironmentSpec> environments;  ///< in the order of the file
  bool operator==(const AppSpec&) const = default;

  const EnvironmentSpec* find_environment(std::string_view environment) const;
};

}  // namespace ecluse::model
