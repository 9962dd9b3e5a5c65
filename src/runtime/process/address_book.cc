#include "runtime/process/address_book.h"

#include <arpa/inet.h>
#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>
#include <nlohmann/json.hpp>

#include "os/file.h"
#include "runtime/process/fresh_file.h"

namespace ecluse::runtime {

namespace {
using Json = nlohmann::json;
constexpr std::size_t kFileBytesMax = 16 << 20;
constexpr std::uint32_t kFirstHost = 2;  ///< .1 is the bridge
constexpr std::uint32_t kLastHost = 254;
constexpr int kSubnetBits = 24;
}  // namespace

std::string ipv4_text(std::uint32_t address) {
  return fmt::format("{}.{}.{}.{}", address >> 24, address >> 16 & 255, address >> 8 & 255,
                     address & 255);
}

Result<Ipv4Network> Ipv4Network::parse(const std::string& text) {
  const std::size_t slash = text.find('/');
  in_addr address{};
  const int bits = slash == std::string::npos ? 0 : std::atoi(text.c_str() + slash + 1);
  if (::inet_pton(AF_INET, text.substr(0, slash).c_str(), &address) != 1 || bits < 8 ||
      bits > kSubnetBits) {
    return fail(ErrorKind::kInvalid, fmt::format("'{}' is no network for instances", text),
                "write it like 10.83.0.0/16, between /8 and /24");
  }
  return Ipv4Network{ntohl(address.s_addr) & (~0U << (32 - bits)), bits};
}

Result<Place> AddressBook::place_of(const std::string& id, const std::string& environment,
                                    const std::set<std::uint32_t>& taken) {
  ECLUSE_TRY(load());
  auto found = environments_.find(environment);
  // Another program may have taken our subnet while nothing of ours ran in it.
  const bool lost = found != environments_.end() && taken.contains(found->second.index);
  if (found == environments_.end() || lost) {
    ECLUSE_ASSIGN(const std::uint32_t index, free_subnet(taken));
    environments_[environment] = Subnet{index, kFirstHost, {}};
    found = environments_.find(environment);
  }
  Subnet& subnet = found->second;
  if (!subnet.hosts.contains(id)) {
    ECLUSE_ASSIGN(const std::uint32_t host, free_host(subnet));
    subnet.hosts[id] = host;
    ECLUSE_TRY(save());
  }
  const std::uint32_t base = network_.base + (subnet.index << 8);
  return Place{base + 1, base + subnet.hosts[id]};
}

Result<bool> AddressBook::release(const std::string& id, const std::string& environment) {
  ECLUSE_TRY(load());
  const auto found = environments_.find(environment);
  if (found == environments_.end()) return true;
  if (found->second.hosts.erase(id) > 0) ECLUSE_TRY(save());
  return found->second.hosts.empty();
}

Result<void> AddressBook::keep_only(const std::set<std::string>& ids) {
  ECLUSE_TRY(load());
  std::size_t dropped = 0;
  for (auto& [environment, subnet] : environments_) {
    dropped +=
        std::erase_if(subnet.hosts, [&](const auto& host) { return !ids.contains(host.first); });
  }
  return dropped == 0 ? Result<void>{} : save();
}

Result<std::uint32_t> AddressBook::free_subnet(const std::set<std::uint32_t>& taken) const {
  const std::uint32_t count = 1U << (kSubnetBits - network_.bits);
  std::set<std::uint32_t> used = taken;
  for (const auto& [environment, subnet] : environments_) used.insert(subnet.index);
  for (std::uint32_t i = 0; i < count; ++i) {
    const std::uint32_t index = (first_subnet_ + i) % count;
    if (!used.contains(index)) return index;
  }
  return fail(ErrorKind::kExhausted, fmt::format("all {} subnets of {}/{} are in use", count,
                                                 ipv4_text(network_.base), network_.bits));
}

/// Goes round, so that an address just given up, which others may still talk to, comes last.
Result<std::uint32_t> AddressBook::free_host(Subnet& subnet) {
  for (std::uint32_t tries = kFirstHost; tries <= kLastHost; ++tries) {
    const std::uint32_t host = subnet.next_host;
    subnet.next_host = host >= kLastHost ? kFirstHost : host + 1;
    const bool used = std::any_of(subnet.hosts.begin(), subnet.hosts.end(),
                                  [host](const auto& entry) { return entry.second == host; });
    if (!used) return host;
  }
  return fail(ErrorKind::kExhausted, "an environment can have 253 instances at most");
}

Result<void> AddressBook::load() {
  if (loaded_) return {};
  const auto text = os::read_file(file_, kFileBytesMax);
  loaded_ = true;
  if (!text && text.error().kind == ErrorKind::kNotFound) return {};
  if (!text) return fail(text.error());
  if (text->empty()) return {};  // a power cut; nothing that had an address runs any more
  const Json book = Json::parse(*text, nullptr, false);
  if (!book.is_object()) {
    loaded_ = false;
    return fail(ErrorKind::kInvalid,
                fmt::format("{} is damaged: not a JSON object", file_.string()),
                "with nothing running it can be deleted; addresses are then given anew");
  }
  for (const auto& [environment, entry] : book.items()) {
    Subnet subnet{entry.value("subnet", 0U), entry.value("next_host", kFirstHost), {}};
    subnet.hosts = entry.value("hosts", std::map<std::string, std::uint32_t>{});
    environments_[environment] = subnet;
  }
  return {};
}

Result<void> AddressBook::save() const {
  Json book = Json::object();
  for (const auto& [environment, subnet] : environments_) {
    book[environment] = {
        {"subnet", subnet.index}, {"next_host", subnet.next_host}, {"hosts", subnet.hosts}};
  }
  return write_again(file_, book.dump(1) + "\n", 0600);
}

}  // namespace ecluse::runtime
