#pragma once
// The host's rules for instances: the way out is open and masqueraded, environments do not reach
// each other. Rules carry the comment "ecluse" and work beside Docker's policy of DROP.

#include <string>

#include "base/result.h"

namespace ecluse::runtime {

enum class FirewallTool { kNone, kIptables, kNft };

/// Not thread-safe.
class Firewall {
 public:
  /// `network`: "10.83.0.0/16".
  explicit Firewall(std::string network, FirewallTool with = tool())
      : network_(std::move(network)), tool_(with) {}

  /// Sets the rules if they are not there (somebody may flush them) and switches forwarding on.
  Result<void> ensure();
  /// Takes them away. Only when no control plane of this machine has instances.
  Result<void> remove();

  /// iptables when it exists, since Docker and others speak it, else nft.
  static FirewallTool tool();

 private:
  Result<void> ensure_iptables();
  Result<void> ensure_nft();

  std::string network_;
  FirewallTool tool_;
};

/// Makes what listens on 127.0.0.1:`port` only reachable at the namespace's address. From a thread
/// inside the namespace. Idempotent.
Result<void> open_loopback_port(std::uint16_t port);

}  // namespace ecluse::runtime
