#include "gateway/route_table.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <sodium.h>

#include <algorithm>
#include <charconv>
#include <cstring>

#include "base/log.h"
#include "gateway/http1_chars.h"

namespace ecluse::gateway {

namespace {
constexpr std::uint32_t kMillion = 1'000'000;

/// Length of `prefix` if it covers `path` up to the end of a segment, or nothing.
std::optional<std::size_t> match(std::string_view prefix, std::string_view path) {
  if (!path.starts_with(prefix)) return std::nullopt;
  const bool ends_segment = prefix.ends_with('/') || path.size() == prefix.size() ||
                            path[prefix.size()] == '/' || path[prefix.size()] == '?';
  return ends_segment ? std::optional(prefix.size()) : std::nullopt;
}

std::size_t longest_match(const BackendRoute& backend, std::string_view path) {
  std::size_t longest = 0;
  for (const std::string& prefix : backend.prefixes) {
    longest = std::max(longest, match(prefix, path).value_or(0));
  }
  return longest;
}
/// Whether whoever reads `path` may climb out of the prefix that it begins with.
bool may_climb(std::string_view path) {
  path = path.substr(0, path.find('?'));
  if (path.find("..") != std::string_view::npos) return true;
  for (std::size_t at = path.find('%'); at != std::string_view::npos; at = path.find('%', at + 1)) {
    if (http1::equal_ignoring_case(path.substr(at, 3), "%2e")) return true;
  }
  return false;
}
}  // namespace

bool BackendRoute::allows_websocket(std::string_view path) const {
  return std::ranges::any_of(websockets, [&](std::string_view prefix) {
    return prefix == "/" || (match(prefix, path) && !may_climb(path));
  });
}

const BackendRoute* ArmRoute::backend_for(std::string_view path) const {
  const BackendRoute* best = nullptr;
  std::size_t longest = 0;
  for (const BackendRoute& backend : backends) {
    const std::size_t length = backend.prefixes.empty() ? 1 : longest_match(backend, path);
    if (length > longest) {
      longest = length;
      best = &backend;
    }
  }
  // "OPTIONS *" concerns the whole server: any backend may answer it.
  if (best == nullptr && path == "*" && !backends.empty()) return &backends.front();
  return best;
}

bool AddressBlock::contains(const in6_addr& address) const {
  const auto whole = static_cast<std::size_t>(bits / 8);
  if (std::memcmp(bytes.data(), address.s6_addr, whole) != 0) return false;
  const int rest = bits % 8;
  if (rest == 0) return true;
  const auto mask = static_cast<std::uint8_t>(0xff << (8 - rest));
  return (bytes[whole] & mask) == (address.s6_addr[whole] & mask);
}

namespace {
std::optional<in6_addr> parse_address(const std::string& text) {
  in6_addr address{};
  if (::inet_pton(AF_INET6, text.c_str(), &address) == 1) return address;
  if (::inet_pton(AF_INET, text.c_str(), &address.s6_addr[12]) != 1) return std::nullopt;
  address.s6_addr[10] = address.s6_addr[11] = 0xff;
  return address;
}
}  // namespace

std::optional<AddressBlock> parse_address_block(std::string_view text) {
  const std::size_t slash = std::min(text.find('/'), text.size());
  const std::string base(text.substr(0, slash));
  const auto address = parse_address(base);
  if (!address) return std::nullopt;
  const bool is_ipv4 = base.find(':') == std::string::npos;
  int bits = is_ipv4 ? 32 : 128;
  if (slash < text.size()) {
    const std::string_view digits = text.substr(slash + 1);
    int given = -1;
    const auto parsed = std::from_chars(digits.data(), digits.data() + digits.size(), given);
    const bool is_number = parsed.ec == std::errc() && parsed.ptr == digits.data() + digits.size();
    if (!is_number || given < 0 || given > bits) return std::nullopt;
    bits = given;
  }
  AddressBlock block;
  std::memcpy(block.bytes.data(), address->s6_addr, block.bytes.size());
  block.bits = is_ipv4 ? bits + 96 : bits;
  return block;
}

const ArmRoute* SiteRoute::find_arm(model::ReleaseNumber release) const {
  const auto found = std::ranges::find(arms, release, &ArmRoute::release);
  return found == arms.end() ? nullptr : &*found;
}

const ArmRoute* SiteRoute::arm_at(std::uint32_t point) const {
  for (const ArmRoute& arm : arms) {
    if (point < arm.weight_ppm) return &arm;
    point -= arm.weight_ppm;
  }
  // Weights that add up to less than a million leave the rest to the last arm that has any.
  const auto last = std::find_if(arms.rbegin(), arms.rend(),
                                 [](const ArmRoute& arm) { return arm.weight_ppm > 0; });
  return last == arms.rend() ? nullptr : &*last;
}

std::uint32_t SiteRoute::cohort_point(std::string_view client_id) const {
  std::uint64_t mac = 0;
  static_assert(sizeof mac == crypto_shorthash_BYTES);
  crypto_shorthash(reinterpret_cast<unsigned char*>(&mac),
                   reinterpret_cast<const unsigned char*>(client_id.data()), client_id.size(),
                   cohort_key.data());
  return static_cast<std::uint32_t>((static_cast<unsigned __int128>(mac) * kMillion) >> 64);
}

bool SiteRoute::admits(const in6_addr& address) const {
  return !is_restricted || std::ranges::any_of(allow, [&](const AddressBlock& block) {
    return block.contains(address);
  });
}

bool SiteRoute::is_health_path(std::string_view target) const {
  const std::string_view path = target.substr(0, target.find('?'));
  return std::ranges::find(health_paths, path) != health_paths.end();
}

const ArmRoute* SiteRoute::other_than(model::ReleaseNumber release) const {
  const ArmRoute* best = nullptr;
  for (const ArmRoute& arm : arms) {
    const bool is_better = best == nullptr || arm.weight_ppm > best->weight_ppm;
    if (arm.release != release && is_better) best = &arm;
  }
  return best;
}

TargetId TargetIds::of(const std::string& target) {
  return ids_.try_emplace(target, static_cast<TargetId>(ids_.size())).first->second;
}

void RouteTable::note(const SitePointer& site) {
  note_targets(*site);
  for (const ArmRoute& arm : site->arms) {
    if (arm.slot >= by_slot_.size()) by_slot_.resize(arm.slot + 1);
    by_slot_[arm.slot] = site;
  }
}

void RouteTable::note_targets(const SiteRoute& site) {
  for (const ArmRoute& arm : site.arms) {
    for (const BackendRoute& backend : arm.backends) {
      for (const TargetRoute& target : backend.targets) {
        if (target.id >= used_.size()) used_.resize(target.id + 1);
        used_[target.id] = true;
      }
    }
  }
}

RouteTable::RouteTable(std::span<const Entry> entries) {
  for (const Entry& entry : entries) {
    const auto number = static_cast<std::uint32_t>(sites_.size());
    sites_.push_back(entry.route);
    for (const std::string_view host : entry.hosts) {
      if (host.starts_with("*.")) {
        wildcards_.add(host.substr(2), number);
      } else {
        exact_.add(host, number);
      }
    }
    for (const std::string& host : entry.redirected_hosts) exact_.add(host, number);
    if (entry.port) by_port_.emplace(*entry.port, entry.route);
    note(entry.route);
  }
}

RouteTable RouteTable::catch_all(SitePointer site) {
  RouteTable table;
  table.note(site);
  table.catch_all_ = std::move(site);
  return table;
}

const SiteRoute* RouteTable::find(std::string_view host, std::uint16_t listener_port) const {
  if (catch_all_) return catch_all_.get();
  if (const auto site = by_port_.find(listener_port); site != by_port_.end()) {
    return site->second.get();
  }
  if (const auto number = exact_.find(host)) return sites_[*number].get();
  for (std::size_t dot = host.find('.'); dot != std::string_view::npos; dot = host.find('.')) {
    host.remove_prefix(dot + 1);
    if (const auto number = wildcards_.find(host)) return sites_[*number].get();
  }
  return nullptr;
}

namespace {
/// BLAKE2b, cut to 16 bytes.
std::array<unsigned char, 16> digest_of(std::string_view text) {
  std::array<unsigned char, 16> digest{};
  static_assert(sizeof digest >= crypto_generichash_BYTES_MIN);
  crypto_generichash(digest.data(), digest.size(),
                     reinterpret_cast<const unsigned char*>(text.data()), text.size(), nullptr, 0);
  return digest;
}

std::uint64_t affinity_of(std::string_view instance) {
  std::uint64_t token = 0;
  std::memcpy(&token, digest_of(instance).data(), sizeof token);
  return token;
}

std::string basic_credentials(const std::string& user_and_password) {
  std::string encoded(
      sodium_base64_encoded_len(user_and_password.size(), sodium_base64_VARIANT_ORIGINAL), '\0');
  sodium_bin2base64(encoded.data(), encoded.size(),
                    reinterpret_cast<const unsigned char*>(user_and_password.data()),
                    user_and_password.size(), sodium_base64_VARIANT_ORIGINAL);
  encoded.pop_back();  // the final NUL
  return "Basic " + encoded;
}

Result<TargetRoute> make_target(const ports::Target& target, const std::string& owner,
                                TargetIds& ids) {
  const auto address = parse_address(target.address);
  if (!address || target.port == 0) {
    return fail(ErrorKind::kInvalid, fmt::format("instance {} has the address '{}' port {}",
                                                 target.instance, target.address, target.port));
  }
  TargetRoute route;
  route.address.sin6_family = AF_INET6;
  route.address.sin6_port = htons(target.port);
  route.address.sin6_addr = *address;
  route.ready = target.ready;
  route.affinity = affinity_of(target.instance);
  route.instance = target.instance;
  route.id =
      ids.of(fmt::format("{} {} {} {}", owner, target.instance, target.address, target.port));
  return route;
}

/// A folder that is not there serves nothing and is no reason to refuse the whole site: a table
/// that is read again after a restart must not fail for it.
FolderRoute make_folder_route(const ports::Folder& folder) {
  FolderRoute route{.prefix = folder.prefix};
  while (route.prefix.ends_with('/')) route.prefix.pop_back();
  std::string all;
  for (const std::string& root : folder.roots) {
    all += root + "\n";
    auto fd = std::make_shared<os::Fd>(::open(root.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
    if (*fd) route.roots.push_back(std::move(fd));
  }
  route.salt = std::hash<std::string>()(all) & 0xffffffff;
  if (route.roots.empty()) {
    log_error("gateway: no folder for {} exists: {}", folder.prefix,
              folder.roots.empty() ? "none was named" : folder.roots.front());
  }
  return route;
}

Result<ArmRoute> make_arm(const ports::Arm& arm, const std::string& site, TargetIds& ids) {
  ArmRoute route;
  route.release = arm.release;
  route.weight_ppm = arm.weight_ppm;
  for (const ports::Backend& backend : arm.backends) {
    BackendRoute made;
    made.prefixes = backend.prefixes;
    made.affinity = backend.affinity;
    made.websockets = backend.websockets;
    for (const ports::Target& target : backend.targets) {
      const std::string owner = fmt::format("{}#{}", site, arm.release);
      ECLUSE_ASSIGN(TargetRoute target_route, make_target(target, owner, ids));
      made.targets.push_back(target_route);
    }
    route.backends.push_back(std::move(made));
  }
  for (const ports::Folder& folder : arm.folders) {
    route.folders.push_back(make_folder_route(folder));
  }
  return route;
}

Result<void> add_pages(const std::map<std::string, std::string>& pages, SiteRoute& route) {
  static const std::map<std::string, int> kKnown{
      {"500", 500}, {"502", 502}, {"503", 503}, {"504", 504}, {"maintenance", kMaintenancePage}};
  for (const auto& [name, html] : pages) {
    const auto known = kKnown.find(name);
    if (known == kKnown.end()) {
      return fail(ErrorKind::kInvalid, fmt::format("there is no page '{}' to replace", name),
                  "pages are 500, 502, 503, 504 and maintenance");
    }
    if (html.size() > kPageBytesMax) {
      return fail(ErrorKind::kInvalid, fmt::format("the page {} has {} bytes, more than {}", name,
                                                   html.size(), kPageBytesMax));
    }
    route.pages[known->second] = html;
  }
  return {};
}

Result<void> add_allowed(const std::vector<std::string>& blocks, SiteRoute& route) {
  route.is_restricted = !blocks.empty();
  for (const std::string& text : blocks) {
    const auto block = parse_address_block(text);
    if (!block) {
      return fail(ErrorKind::kInvalid, fmt::format("'{}' is no address or CIDR block", text));
    }
    route.allow.push_back(*block);
  }
  return {};
}
}  // namespace

Result<RouteTable::Entry> make_entry(const ports::Site& site, TargetIds& ids,
                                     const std::map<model::ReleaseNumber, std::uint32_t>& slot_of,
                                     TrialId trial) {
  auto route = std::make_shared<SiteRoute>();
  route->name = to_string(site.key);
  route->redirects.insert(site.redirects.begin(), site.redirects.end());
  route->mode = site.mode;
  route->sticky = site.sticky;
  static_assert(sizeof(SiteRoute::CohortKey) == crypto_shorthash_KEYBYTES);
  route->cohort_key = digest_of(site.cohort_salt);
  route->show_release = site.show_release;
  if (!site.basic_auth.empty()) route->authorization = basic_credentials(site.basic_auth);
  ECLUSE_TRY(add_allowed(site.allow, *route));
  ECLUSE_TRY(add_pages(site.pages, *route));
  route->health_paths = site.health_paths;
  route->trial = trial;
  route->on_trial = site.on_trial.value_or(0);
  route->redirects_to_https = site.tls && site.tls->redirect;
  if (site.tls) route->hsts_s = site.tls->hsts_s;
  for (const ports::Arm& arm : site.arms) {
    ECLUSE_ASSIGN(ArmRoute made, make_arm(arm, route->name, ids));
    made.slot = slot_of.at(arm.release);
    if (arm.release == site.on_trial) route->trial_weight_ppm = arm.weight_ppm;
    route->arms.push_back(std::move(made));
  }
  std::ranges::sort(route->arms, std::ranges::greater(), &ArmRoute::release);
  RouteTable::Entry entry{site.hosts, {}, site.port, std::move(route)};
  for (const auto& [from, to] : site.redirects) entry.redirected_hosts.push_back(from);
  return entry;
}

}  // namespace ecluse::gateway
