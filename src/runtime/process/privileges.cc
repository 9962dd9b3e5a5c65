#include "runtime/process/privileges.h"

#include <fmt/format.h>
#include <sched.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <thread>

#include "base/text.h"
#include "os/file.h"
#include "os/subprocess.h"
#include "runtime/process/cgroup.h"
#include "runtime/process/etc_files.h"
#include "runtime/process/firewall.h"
#include "runtime/process/namespace_thread.h"
#include "runtime/process/shim_image.h"

namespace ecluse::runtime {

namespace {
constexpr std::size_t kFileBytesMax = 1 << 20;
constexpr int kCapSysResource = 24;
constexpr const char* kControlGroups = "control groups";

std::string text_of(const char* path) {
  const auto text = os::read_file(path, kFileBytesMax);
  return text ? *text : std::string();  // an absent file holds nothing we look for
}

bool can_unshare(int what) {
  bool can = false;
  std::thread([&] { can = ::unshare(what) == 0; }).join();
  return can;
}

Privilege root() {
  return {
      "root", ::geteuid() == 0,
      "without root instances are plain processes of this user: no users, limits and networks of "
      "their own, and an app with a fixed port runs only once",
      "start ecluse as root (its systemd unit does)"};
}

Privilege network_namespaces() {
  return {
      "network namespaces", new_network_namespace().has_value(),
      "instances share the host's network and get $PORT on 127.0.0.1; an app with a fixed port "
      "runs only once",
      "run as root outside of a container, or give the container CAP_SYS_ADMIN and CAP_NET_ADMIN"};
}

Privilege mount_namespaces() {
  return {"mount namespaces", can_unshare(CLONE_NEWNS | CLONE_FS),
          "the release is not at /app and not read-only", "run as root or with CAP_SYS_ADMIN"};
}

Privilege overlay() {
  const bool known = text_of("/proc/filesystems").find("\toverlay\n") != std::string::npos;
  const bool loadable =
      !known && os::output_of({.argv = {"modprobe", "-n", "overlay"}}).has_value();
  return {"overlayfs", known || loadable,
          "a release cannot be laid over with what its jobs wrote, instances do not start",
          "use a kernel with CONFIG_OVERLAY_FS"};
}

Privilege cgroups() {
  const auto version = Cgroups::detect("probe").version();
  const bool writable = ::geteuid() == 0 && version != CgroupVersion::kNone;
  return {kControlGroups, writable,
          writable ? fmt::format("cgroup {}", version == CgroupVersion::kV2 ? "v2" : "v1")
                   : "memory, CPU and process limits are not enforced, usage is not known",
          "mount cgroup2 at /sys/fs/cgroup and run as root"};
}

Privilege ip_tool() {
  return {"ip", os::output_of({.argv = {"ip", "-V"}}).has_value(),
          "instances cannot be connected and do not start", "install iproute2"};
}

Privilege firewall() {
  const FirewallTool tool = Firewall::tool();
  return {"NAT", tool != FirewallTool::kNone && ::geteuid() == 0,
          "instances cannot reach the outside",
          tool == FirewallTool::kNone ? "install iptables or nftables" : "run as root"};
}

Privilege name_service() {
  const std::string text = reachable_resolv_conf(text_of("/etc/resolv.conf"),
                                                 text_of("/run/systemd/resolve/resolv.conf"));
  return {
      "name service", names_a_server(text),
      "every name server of /etc/resolv.conf is on this host's loopback, which instances cannot "
      "reach: they resolve no names",
      "name a server that is reachable from a bridge, or let the local one listen on all "
      "addresses"};
}

Privilege resident_shim() {
  const auto folder = std::filesystem::temp_directory_path();
  const auto image = open_shim_image(folder / fmt::format("ecluse-probe-{}", ::getpid()));
  std::error_code error;
  std::filesystem::remove_all(folder / fmt::format("ecluse-probe-{}", ::getpid()), error);
  return {"shim", image.has_value(), "no instance can be started",
          "allow programs in memory (vm.memfd_noexec=0) or on the run folder"};
}

bool can_lower_oom_score() {
  const std::string status = text_of("/proc/self/status");
  const std::size_t at = status.find("CapEff:");
  if (at == std::string::npos) return false;
  const auto effective = std::strtoull(status.c_str() + at + 7, nullptr, 16);
  return (effective >> kCapSysResource & 1) != 0;
}

Privilege oom_protection() {
  return {"protection from the OOM killer", can_lower_oom_score(),
          "databases are not spared when memory runs out", "run with CAP_SYS_RESOURCE"};
}

/// What follows is of interest only when it is missing.
Privilege settled(Privilege privilege) {
  if (!privilege.ok) return privilege;
  privilege.fix.clear();
  if (privilege.name != kControlGroups) privilege.consequence = "works";
  return privilege;
}
}  // namespace

std::vector<Privilege> probe_privileges() {
  std::vector<Privilege> all;
  for (const auto& probe : {root, network_namespaces, mount_namespaces, overlay, cgroups, ip_tool,
                            firewall, name_service, resident_shim, oom_protection}) {
    all.push_back(settled(probe()));
  }
  return all;
}

bool can_isolate() {
  return root().ok && network_namespaces().ok && mount_namespaces().ok;
}

}  // namespace ecluse::runtime
