#pragma once
// Which subnet an environment has and which address an instance has in it: remembered on disk, so
// that a restart gives nobody another one's address.

#include <cstdint>
#include <filesystem>
#include <map>
#include <set>
#include <string>

#include "base/result.h"

namespace ecluse::runtime {

/// "10.83.0.0/16": each environment has a /24 of it.
struct Ipv4Network {
  std::uint32_t base = 0;  ///< in host order
  int bits = 16;
  static Result<Ipv4Network> parse(const std::string& text);
};

struct Place {
  std::uint32_t gateway = 0;  ///< the bridge, in host order
  std::uint32_t address = 0;
  bool operator==(const Place&) const = default;
};

std::string ipv4_text(std::uint32_t address);

/// Not thread-safe.
class AddressBook {
 public:
  AddressBook(std::filesystem::path file, Ipv4Network network, std::uint32_t first_subnet)
      : file_(std::move(file)), network_(network), first_subnet_(first_subnet) {}

  /// The place of instance `id`, given when new. `taken` are the subnets (third octets, counted
  /// from the network's base) that somebody else on this machine uses.
  Result<Place> place_of(const std::string& id, const std::string& environment,
                         const std::set<std::uint32_t>& taken);
  /// Forgets it. True when nothing is left in its environment, whose subnet stays remembered.
  Result<bool> release(const std::string& id, const std::string& environment);

  /// Releases all others.
  Result<void> keep_only(const std::set<std::string>& ids);

 private:
  struct Subnet {
    std::uint32_t index = 0;
    std::uint32_t next_host = 2;
    std::map<std::string, std::uint32_t> hosts;
  };
  Result<void> load();
  Result<void> save() const;
  Result<std::uint32_t> free_subnet(const std::set<std::uint32_t>& taken) const;
  static Result<std::uint32_t> free_host(Subnet& subnet);

  std::filesystem::path file_;
  Ipv4Network network_;
  std::uint32_t first_subnet_;
  bool loaded_ = false;
  std::map<std::string, Subnet> environments_;
};

}  // namespace ecluse::runtime
