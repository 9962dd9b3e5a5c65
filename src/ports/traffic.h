#pragma once
// What the control plane says to the gateway, and what it hears.

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "base/time.h"
#include "model/key.h"

namespace ecluse::ports {

struct Target {
  std::string instance;  ///< instance id
  std::string address;   ///< "10.83.0.2"
  std::uint16_t port = 0;
  bool ready = true;  ///< not ready: picked only when no ready one exists... then our 503 answers
  bool operator==(const Target&) const = default;
};

/// One process of a release that takes traffic.
struct Backend {
  std::string process;                ///< "web"
  std::vector<std::string> prefixes;  ///< path prefixes it answers; the longest wins
  std::vector<Target> targets;
  bool affinity = false;  ///< a client stays on its instance
  /// Path prefixes where a WebSocket may be opened; empty: nowhere.
  std::vector<std::string> websockets = {"/"};
  bool operator==(const Backend&) const = default;
};

/// Files that the gateway serves itself, below a path.
struct Folder {
  std::string prefix;              ///< "/static"
  std::vector<std::string> roots;  ///< absolute; the first that has the file wins
  bool operator==(const Folder&) const = default;
};

/// One release of a site and its share of the traffic.
struct Arm {
  model::ReleaseNumber release = 0;
  std::uint32_t weight_ppm = 0;  ///< of a million; the arms of a site add up to a million
  std::vector<Backend> backends;
  std::vector<Folder> folders = {};  ///< the longest prefix wins, before any backend
  bool operator==(const Arm&) const = default;
};

/// A file of a release that holds a page.
struct PageFile {
  std::vector<std::string> roots;  ///< absolute; the first that has the file wins
  std::string file;                ///< below one of them, "errors/503.html"
  bool operator==(const PageFile&) const = default;
};

enum class SiteMode {
  kServe,
  kHold,         ///< requests wait, bounded in number, bytes and time, then pass
  kMaintenance,  ///< our maintenance page, 503 with Retry-After
};

/// How a site is reached over TLS. Names and places only: private keys never pass through here.
struct SiteTls {
  enum class Source {
    kFiles,  ///< `certificate` and `key` are files the gateway can read
    kLocal,  ///< signed by the gateway's own local authority: development
    kAcme,   ///< from the ACME server at `directory`
  };
  Source source = Source::kLocal;
  std::string certificate;   ///< PEM, the leaf first
  std::string key;           ///< PEM; empty: it stands in `certificate`
  std::string directory;     ///< https://...
  std::string contact;       ///< an e-mail address; may be empty
  std::string trusted;       ///< PEM file that vouches for that server; empty: the system's
  bool redirect = true;      ///< plain HTTP answers with a redirect to HTTPS
  std::uint32_t hsts_s = 0;  ///< max-age of Strict-Transport-Security; 0: not sent
  bool operator==(const SiteTls&) const = default;
};

/// What an environment looks like from outside. Applied whole: the old one is replaced by pointer.
struct Site {
  model::EnvironmentKey key;
  std::vector<std::string> hosts;                ///< lower case; "*.x" is a wildcard
  std::map<std::string, std::string> redirects;  ///< host to host
  std::optional<std::uint16_t> port;             ///< a listener of its own
  SiteMode mode = SiteMode::kServe;
  std::vector<Arm> arms;  ///< empty: nothing deployed yet, our 503 page answers
  std::optional<model::ReleaseNumber> on_trial;  ///< its requests are recorded: ports/outcomes.h
  bool sticky = false;                           ///< a client stays in its arm
  std::string cohort_salt;                       ///< of the rollout
  bool show_release = true;                      ///< X-Ecluse-Release on answers
  std::string basic_auth;                        ///< "user:password"; empty: none
  std::vector<std::string> allow;                ///< CIDR blocks; empty: all
  /// Latencies that objectives speak of: buckets of the histogram end at each.
  std::vector<Duration> latency_bounds;
  /// Paths that are answered with 200 while requests are held, so that nobody who watches the site
  /// takes it for dead.
  std::vector<std::string> health_paths;
  /// The app's own HTML for what we answer in its place: "502", "503", "504", "maintenance"; and
  /// "500", which takes the place of the app's answer with that status. At most 16 KiB each.
  std::map<std::string, std::string> pages;
  /// The same from files, read when the site is applied. apply() is Invalid if one cannot be read;
  /// abort() goes on without it.
  std::map<std::string, PageFile> page_files;
  std::optional<SiteTls> tls;  ///< none: plain HTTP only
  bool operator==(const Site&) const = default;
};

/// Orders decisions about one site. A gateway refuses (Conflict) what is older than what it knows.
struct Fence {
  std::uint64_t term = 0;      ///< of the control plane: grows at each start of one
  std::string rollout;         ///< "lettings/prod@12"; empty: outside a rollout
  std::uint64_t sequence = 0;  ///< grows with each decision about this site
  bool operator==(const Fence&) const = default;
};

struct ArmCounters {
  std::uint64_t requests = 0;
  std::uint64_t errors_5xx = 0;  ///< answered 5xx by the app
  std::uint64_t failures = 0;    ///< no answer from the app: refused, reset, truncated
  std::uint64_t in_flight = 0;   ///< including WebSockets
  std::uint64_t websockets = 0;  ///< of those in flight
  bool operator==(const ArmCounters&) const = default;
};
struct SiteCounters {
  std::map<model::ReleaseNumber, ArmCounters> arms;
};

/// Thread-safe; calls block until every worker acknowledged, at most a few seconds.
/// Unavailable: the gateway does not answer; nothing is known of what it did, ask again.
class Traffic {
 public:
  virtual ~Traffic() = default;

  /// Swaps the site in on every worker, then persists it, then returns: from the return on no
  /// request is routed by the old site. Idempotent.
  virtual Result<void> apply(const Site& site, const Fence& fence) = 0;
  /// As apply(), but latches fence.rollout in memory first: from then on apply() with that rollout
  /// is refused (Conflict) if it gives `aborted` any weight. Returns before it persists; safe to
  /// call before the decision is committed. Survives the death of a worker process.
  virtual Result<void> abort(const Site& site, model::ReleaseNumber aborted,
                             const Fence& fence) = 0;
  /// The releases latched for a rollout, so that recovery learns of an abort that was not
  /// committed.
  virtual Result<std::vector<model::ReleaseNumber>> latched(const std::string& rollout) = 0;
  virtual Result<void> remove(const model::EnvironmentKey& key, const Fence& fence) = 0;
  /// The sites it serves now, to compare after a restart.
  virtual Result<std::vector<Site>> sites() = 0;
  /// Tells the connections of `release` to finish: keep-alive ones close after their answer,
  /// WebSockets get 1012 after `websocket_budget`. Returns at once; watch in_flight fall to 0.
  virtual Result<void> drain(const model::EnvironmentKey& key, model::ReleaseNumber release,
                             Duration websocket_budget) = 0;
  virtual Result<SiteCounters> counters(const model::EnvironmentKey& key) = 0;
  /// One request through a public listener with the first host of the site, as a user would send
  /// it, sent to `release` by a signed override; returns the release that answered and its status.
  struct Answer {
    model::ReleaseNumber release = 0;
    int status = 0;
  };
  virtual Result<Answer> ask(const model::EnvironmentKey& key, model::ReleaseNumber release,
                             const std::string& path) = 0;
};

}  // namespace ecluse::ports
