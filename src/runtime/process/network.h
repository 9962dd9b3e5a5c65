#pragma once
// The network of instances: a bridge per app and environment, a namespace and a veth pair per
// instance, addresses from one private network, masquerade to the outside.

#include <filesystem>
#include <mutex>
#include <set>
#include <string>

#include "base/result.h"
#include "os/fd.h"
#include "runtime/process/address_book.h"
#include "runtime/process/firewall.h"

namespace ecluse::runtime {

struct Attachment {
  os::Fd netns;
  std::string address;
};

/// Thread-safe.
class Network {
 public:
  /// `file` remembers the addresses; `tag` keeps data folders apart.
  Network(std::filesystem::path file, Ipv4Network network, std::string tag);

  /// A new namespace for instance `id`, connected: address, default route, bridge, firewall. What
  /// was connected under that id before is gone afterwards.
  Result<Attachment> attach(const std::string& id, const std::string& environment);
  /// The address of an instance that is connected already.
  Result<std::string> address_of(const std::string& id, const std::string& environment);
  /// Forgets the addresses of all other instances: a crash may have left some.
  Result<void> keep_only(const std::set<std::string>& ids);
  /// Disconnects; the last one of an environment takes the bridge along. Idempotent.
  Result<void> detach(const std::string& id, const std::string& environment);

 private:
  Result<Place> place_of(const std::string& id, const std::string& environment);
  std::string bridge_of(const std::string& environment) const;
  std::string veth_of(const std::string& id) const;
  std::set<std::uint32_t> foreign_subnets(const std::string& own_bridge) const;

  std::mutex mutex_;
  Ipv4Network range_;
  std::string tag_;
  AddressBook book_;
  Firewall firewall_;
};

}  // namespace ecluse::runtime
