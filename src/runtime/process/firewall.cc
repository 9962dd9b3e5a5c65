#include "runtime/process/firewall.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>

#include "base/log.h"
#include "base/text.h"
#include "os/file.h"
#include "os/subprocess.h"

namespace ecluse::runtime {

namespace {
constexpr const char* kForwarding = "/proc/sys/net/ipv4/ip_forward";

bool in_path(const std::string& program) {
  for (const char* folder :
       {"/usr/local/sbin", "/usr/local/bin", "/usr/sbin", "/usr/bin", "/sbin", "/bin"}) {
    if (::access(fmt::format("{}/{}", folder, program).c_str(), X_OK) == 0) return true;
  }
  return false;
}

Result<void> run_quietly(std::vector<std::string> argv, std::string input = {}) {
  const auto done = os::output_of({.argv = std::move(argv), .input = std::move(input)});
  if (!done) return fail(in_context("firewall", done.error()));
  return {};
}

bool succeeds(std::vector<std::string> argv) {
  const auto done = os::run({.argv = std::move(argv)});
  return done && done->exit_code == 0;
}

Result<void> enable_forwarding() {
  const auto now = os::read_file(kForwarding, 16);
  if (now && trim(*now) == "1") return {};
  const os::Fd fd(::open(kForwarding, O_WRONLY | O_CLOEXEC));
  if (!fd) return fail(from_errno(errno, fmt::format("open {}", kForwarding)));
  ECLUSE_TRY(os::write_all(fd.get(), "1"));
  log_info("switched on net.ipv4.ip_forward: instances reach the outside through this host");
  return {};
}

std::vector<std::string> jump(const char* table, const char* verb, const char* chain,
                              const char* to) {
  return {"iptables", "-w",      "-t",        table,    verb, chain,
          "-m",       "comment", "--comment", "ecluse", "-j", to};
}

/// Frames within one bridge may pass here too (br_netfilter), and must not look like a crossing.
std::string iptables_rules(const std::string& network, bool with_bridged) {
  constexpr const char* kComment = "-m comment --comment ecluse";
  const std::string bridged = fmt::format(
      "-A ECLUSE-FORWARD -i ecl+ -o ecl+ -m physdev --physdev-is-bridged {} -j ACCEPT\n", kComment);
  return fmt::format(
      "*filter\n:ECLUSE-FORWARD - [0:0]\n{2}"
      "-A ECLUSE-FORWARD -i ecl+ -o ecl+ {1} -j DROP\n"
      "-A ECLUSE-FORWARD -i ecl+ {1} -j ACCEPT\n"
      "-A ECLUSE-FORWARD -o ecl+ -m conntrack --ctstate RELATED,ESTABLISHED {1} -j ACCEPT\n"
      "COMMIT\n*nat\n:ECLUSE-NAT - [0:0]\n"
      "-A ECLUSE-NAT -s {0} ! -d {0} {1} -j MASQUERADE\nCOMMIT\n",
      network, kComment, with_bridged ? bridged : std::string());
}

Result<void> restore(const std::string& rules) {
  return run_quietly({"iptables-restore", "-w", "--noflush"}, rules);
}

std::string nft_rules(const std::string& network) {
  return fmt::format(
      "table ip ecluse\ndelete table ip ecluse\n"
      "table ip ecluse {{\n"
      "  chain forward {{\n"
      "    type filter hook forward priority -5; policy accept;\n"
      "    iifname \"ecl*\" oifname \"ecl*\" drop comment \"ecluse\"\n"
      "  }}\n"
      "  chain postrouting {{\n"
      "    type nat hook postrouting priority 100; policy accept;\n"
      "    ip saddr {0} ip daddr != {0} masquerade comment \"ecluse\"\n"
      "  }}\n"
      "}}\n",
      network);
}
}  // namespace

FirewallTool Firewall::tool() {
  if (in_path("iptables")) return FirewallTool::kIptables;
  return in_path("nft") ? FirewallTool::kNft : FirewallTool::kNone;
}

Result<void> Firewall::ensure() {
  ECLUSE_TRY(enable_forwarding());
  switch (tool_) {
    case FirewallTool::kIptables:
      return ensure_iptables();
    case FirewallTool::kNft:
      return ensure_nft();
    case FirewallTool::kNone:
      break;
  }
  return fail(ErrorKind::kUnavailable, "neither iptables nor nft is installed",
              "install nftables or iptables: instances need NAT to reach the outside");
}

Result<void> Firewall::ensure_iptables() {
  const bool forward = succeeds(jump("filter", "-C", "FORWARD", "ECLUSE-FORWARD"));
  const bool nat = succeeds(jump("nat", "-C", "POSTROUTING", "ECLUSE-NAT"));
  if (forward && nat) return {};
  // A kernel without xt_physdev has no br_netfilter either, so that rule is then not needed.
  if (!restore(iptables_rules(network_, true)))
    ECLUSE_TRY(restore(iptables_rules(network_, false)));
  // In front: what comes after may end in Docker's DROP.
  if (!forward) ECLUSE_TRY(run_quietly(jump("filter", "-I", "FORWARD", "ECLUSE-FORWARD")));
  if (!nat) ECLUSE_TRY(run_quietly(jump("nat", "-I", "POSTROUTING", "ECLUSE-NAT")));
  return {};
}

Result<void> Firewall::ensure_nft() {
  if (succeeds({"nft", "list", "table", "ip", "ecluse"})) return {};
  return run_quietly({"nft", "-f", "-"}, nft_rules(network_));
}

Result<void> Firewall::remove() {
  if (tool_ == FirewallTool::kNft) return run_quietly({"nft", "delete", "table", "ip", "ecluse"});
  ECLUSE_TRY(run_quietly(jump("filter", "-D", "FORWARD", "ECLUSE-FORWARD")));
  ECLUSE_TRY(run_quietly(jump("nat", "-D", "POSTROUTING", "ECLUSE-NAT")));
  return restore(
      "*filter\n-F ECLUSE-FORWARD\n-X ECLUSE-FORWARD\nCOMMIT\n"
      "*nat\n-F ECLUSE-NAT\n-X ECLUSE-NAT\nCOMMIT\n");
}

Result<void> open_loopback_port(std::uint16_t port) {
  if (in_path("nft")) {
    return run_quietly({"nft", "-f", "-"},
                       fmt::format("table ip ecluse {{\n  chain port{0} {{\n"
                                   "    type nat hook prerouting priority -100; policy accept;\n"
                                   "  }}\n}}\nflush chain ip ecluse port{0}\n"
                                   "add rule ip ecluse port{0} tcp dport {0} dnat to 127.0.0.1\n",
                                   port));
  }
  const std::string text = std::to_string(port);
  const auto rule = [&](const char* verb) -> std::vector<std::string> {
    return {"iptables", "-w",      "-t", "nat", verb,   "PREROUTING",       "-p",
            "tcp",      "--dport", text, "-j",  "DNAT", "--to-destination", "127.0.0.1:" + text};
  };
  if (succeeds(rule("-C"))) return {};
  return run_quietly(rule("-A"));
}

}  // namespace ecluse::runtime
