// libFuzzer on what decides where a request goes: hosts, paths, cookies, cohorts, signed words,
// address blocks, names of assets. First line of the input: a host; second: a target; the rest:
// the value of a Cookie field.
#include <arpa/inet.h>
#include <sodium.h>

#include <array>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "gateway/hashed_asset.h"
#include "gateway/heads.h"
#include "gateway/override_token.h"
#include "gateway/route_table.h"

namespace {
using namespace ecluse::gateway;
using ecluse::ports::Site;

void require(bool condition) {
  if (!condition) std::abort();
}

std::string_view take_line(std::string_view& text) {
  const std::string_view line = text.substr(0, text.find('\n'));
  text.remove_prefix(std::min(text.size(), line.size() + 1));
  return line;
}

RouteTable make_table() {
  Site site{.key = {"lettings", "prod"},
            .hosts = {"lettings.example", "*.wild.example"},
            .redirects = {{"www.lettings.example", "lettings.example"}}};
  site.cohort_salt = "salt";
  for (const ecluse::model::ReleaseNumber release : {6U, 7U}) {
    site.arms.push_back(
        {.release = release,
         .weight_ppm = release == 7 ? 300'000U : 700'000U,
         .backends = {{.process = "web",
                       .prefixes = {"/", "/api"},
                       .targets = {{.instance = "i", .address = "127.0.0.1", .port = 9}}}}});
  }
  TargetIds ids;
  auto entry = make_entry(site, ids, {{6, 0}, {7, 1}});
  require(entry.has_value());
  return RouteTable(std::array{*entry});
}

void check_routes(const RouteTable& table, std::string_view host, std::string_view target) {
  const SiteRoute* const site = table.find(host, 80);
  if (site == nullptr) return;
  for (const ArmRoute& arm : site->arms) {
    const BackendRoute* const backend = arm.backend_for(target);
    require(backend != nullptr || !target.starts_with('/'));
  }
  (void)site->is_health_path(target);
}

void check_cookies(const SiteRoute& site, const OverrideKey& key, std::string_view cookies) {
  http1::Fields fields;
  fields.slots[0] = {"Cookie", cookies, http1::FieldId::kCookie};
  fields.count = 1;
  const std::string_view client = cookie_value(fields, kClientCookie);
  require(client.empty() || cookies.find(client) != std::string_view::npos);
  require(client.find(';') == std::string_view::npos);
  const std::uint32_t point = site.cohort_point(client);
  require(point < 1'000'000 && site.arm_at(point) != nullptr);
  // Cohorts nest: whoever is on the canary at 30 % is so at any larger weight.
  require((point < 300'000) == (site.arm_at(point)->release == 7));
  const std::string_view token = cookie_value(fields, kOverrideCookie);
  require(!verify_override(key, OverrideUse::kField, site.name, token,
                           0));  // nobody guesses a signature
}

void check_blocks(std::string_view text) {
  const auto block = parse_address_block(text);
  if (!block) return;
  require(block->bits >= 0 && block->bits <= 128);
  in6_addr first{};
  std::copy(block->bytes.begin(), block->bytes.end(), first.s6_addr);
  require(block->contains(first));
}
}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const bool is_ready = ::sodium_init() >= 0;
  require(is_ready);
  static const RouteTable table = make_table();
  static const OverrideKey key = random_override_key();
  std::string_view text(reinterpret_cast<const char*>(data), size);
  const std::string_view host = take_line(text);
  const std::string_view target = take_line(text);
  check_routes(table, host, target);
  (void)is_hashed_asset(target);
  check_blocks(host);
  check_cookies(*table.find("lettings.example", 80), key, text);
  return 0;
}
