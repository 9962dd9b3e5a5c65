#pragma once
// Where requests go: an immutable table, read by every worker thread through its own pointer and
// replaced whole. Sites are shared between tables, so that one change costs one site.

#include <netinet/in.h>

#include <array>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/result.h"
#include "gateway/host_index.h"
#include "gateway/outcome_rings.h"
#include "gateway/static_files.h"
#include "gateway/tls_table.h"
#include "ports/traffic.h"

namespace ecluse::gateway {

using TargetId = std::uint32_t;

/// One address of a release. Its id is never given to another one, so that pools and marks of a
/// worker thread survive a swap.
struct TargetRoute {
  TargetId id = 0;
  sockaddr_in6 address{};  ///< IPv4 as mapped
  bool ready = true;
  std::uint64_t affinity = 0;  ///< what the affinity cookie holds for it
  std::string instance;
};

struct BackendRoute {
  std::vector<std::string> prefixes;
  std::vector<TargetRoute> targets;
  bool affinity = false;
  std::vector<std::string> websockets;  ///< prefixes

  /// Whether a WebSocket may be opened at `path`.
  bool allows_websocket(std::string_view path) const;
};

struct ArmRoute {
  model::ReleaseNumber release = 0;
  std::uint32_t weight_ppm = 0;
  std::uint32_t slot = 0;  ///< of its counters
  std::vector<BackendRoute> backends;
  std::vector<FolderRoute> folders;

  /// The backend with the longest prefix of `path` that ends where a segment ends; or null.
  const BackendRoute* backend_for(std::string_view path) const;
};

/// An address block: "10.0.0.0/8", "::1".
struct AddressBlock {
  std::array<std::uint8_t, 16> bytes{};
  int bits = 128;
  bool contains(const in6_addr& address) const;
};
std::optional<AddressBlock> parse_address_block(std::string_view text);

/// Of SiteRoute::pages: what maintenance says, with 503.
inline constexpr int kMaintenancePage = 0;
inline constexpr std::size_t kPageBytesMax = 16384;

struct SiteRoute {
  std::string name;  ///< "lettings/prod"
  std::map<std::string, std::string, std::less<>> redirects;
  ports::SiteMode mode = ports::SiteMode::kServe;
  /// The newest release first: the canary's cohort is always [0, w), so cohorts nest as w grows.
  std::vector<ArmRoute> arms;
  bool sticky = false;
  /// Of SipHash-2-4 (Aumasson and Bernstein, 2012), a MAC for short texts: BLAKE2b of the rollout's
  /// salt. HMAC-SHA-256 would cost each request five times as much.
  using CohortKey = std::array<unsigned char, 16>;
  CohortKey cohort_key{};
  bool show_release = true;
  std::string authorization;  ///< what the Authorization field must say; empty: nothing asked
  bool is_restricted = false;
  std::vector<AddressBlock> allow;
  std::vector<std::string> health_paths;
  std::map<int, std::string> pages;  ///< the app's own, by status; see kMaintenancePage
  bool redirects_to_https = false;
  std::uint32_t hsts_s = 0;

  TrialId trial = kNoTrial;  ///< where its requests are recorded
  std::uint32_t trial_weight_ppm = 0;
  model::ReleaseNumber on_trial = 0;

  const ArmRoute* find_arm(model::ReleaseNumber release) const;
  /// The arm at `point` of [0, 1000000).
  const ArmRoute* arm_at(std::uint32_t point) const;
  /// Where a client belongs: the same point for all weights of one rollout.
  std::uint32_t cohort_point(std::string_view client_id) const;
  bool admits(const in6_addr& address) const;
  /// Whether `target`, without its query, is one of the health paths.
  bool is_health_path(std::string_view target) const;
  /// The release to ask for what `release` does not have: the one with the most traffic, then the
  /// newest. Null: there is no other.
  const ArmRoute* other_than(model::ReleaseNumber release) const;
};

/// Gives out target ids. Used by the control thread only.
class TargetIds {
 public:
  TargetId of(const std::string& target);

 private:
  std::unordered_map<std::string, TargetId> ids_;
};

class RouteTable {
 public:
  using SitePointer = std::shared_ptr<const SiteRoute>;
  struct Entry {
    std::vector<std::string> hosts;
    std::vector<std::string> redirected_hosts;
    std::optional<std::uint16_t> port;
    SitePointer route;
  };
  /// A host or port that two entries name goes to the first.
  explicit RouteTable(std::span<const Entry> entries);
  /// One site for every host and port: the stand-alone form.
  static RouteTable catch_all(SitePointer site);

  /// `host` in lower case without port and final dot. A listener of its own serves its site
  /// whatever the host.
  const SiteRoute* find(std::string_view host, std::uint16_t listener_port) const;
  /// The certificates that are swapped in with these routes; before it is published, by its maker.
  void set_tls(std::shared_ptr<const TlsTable> tls) { tls_ = std::move(tls); }
  const std::shared_ptr<const TlsTable>& tls() const { return tls_; }
  bool uses(TargetId id) const { return id < used_.size() && used_[id]; }
  /// The site that a counters' slot belongs to; null: it is served no more.
  const SiteRoute* site_of_slot(std::uint32_t slot) const {
    return slot < by_slot_.size() ? by_slot_[slot].get() : nullptr;
  }

 private:
  RouteTable() = default;
  void note(const SitePointer& site);
  void note_targets(const SiteRoute& site);

  std::vector<SitePointer> sites_;
  HostIndex exact_;      ///< numbers of sites_
  HostIndex wildcards_;  ///< by what follows the "*."
  std::unordered_map<std::uint16_t, SitePointer> by_port_;
  SitePointer catch_all_;
  std::shared_ptr<const TlsTable> tls_ = std::make_shared<const TlsTable>();
  std::vector<bool> used_;
  std::vector<SitePointer> by_slot_;
};

/// `slot_of(release)` gives the counters' slot; `trial` is where a site on trial is recorded.
/// Invalid: an address or block that cannot be read.
Result<RouteTable::Entry> make_entry(const ports::Site& site, TargetIds& ids,
                                     const std::map<model::ReleaseNumber, std::uint32_t>& slot_of,
                                     TrialId trial = kNoTrial);

}  // namespace ecluse::gateway
