#include "runtime/process/network.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <net/route.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "os/file.h"
#include "os/subprocess.h"
#include "runtime/process/label.h"
#include "runtime/process/namespace_thread.h"

namespace ecluse::runtime {

namespace {
constexpr const char* kInside = "eth0";
constexpr const char* kMachineLock = "/run/ecluse-network.lock";

/// Several control planes on one machine choose subnets and set rules one after the other.
Result<os::Fd> machine_lock() {
  os::Fd fd(::open(kMachineLock, O_RDWR | O_CREAT | O_CLOEXEC, 0600));
  if (!fd) return fail(from_errno(errno, fmt::format("open {}", kMachineLock)));
  while (::flock(fd.get(), LOCK_EX) != 0) {
    if (errno != EINTR) return fail(from_errno(errno, fmt::format("lock {}", kMachineLock)));
  }
  return fd;
}

sockaddr ipv4(std::uint32_t address) {
  sockaddr_in in{};
  in.sin_family = AF_INET;
  in.sin_addr.s_addr = htonl(address);
  sockaddr out{};
  std::memcpy(&out, &in, sizeof out);
  return out;
}

/// One interface, spoken to by ioctl: a program less to start.
class Interface {
 public:
  explicit Interface(const char* name) : socket_(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0)) {
    std::strncpy(request_.ifr_name, name, IFNAMSIZ - 1);
  }
  Result<void> set_address(std::uint32_t address) {
    request_.ifr_addr = ipv4(address);
    return call(SIOCSIFADDR, "set the address of");
  }
  Result<void> set_netmask(std::uint32_t mask) {
    request_.ifr_netmask = ipv4(mask);
    return call(SIOCSIFNETMASK, "set the netmask of");
  }
  Result<void> up() {
    ECLUSE_TRY(call(SIOCGIFFLAGS, "read the flags of"));
    request_.ifr_flags = static_cast<short>(request_.ifr_flags | IFF_UP);
    return call(SIOCSIFFLAGS, "bring up");
  }
  Result<void> route_all_by(std::uint32_t gateway) {
    rtentry route{};
    route.rt_dst = ipv4(0);
    route.rt_genmask = ipv4(0);
    route.rt_gateway = ipv4(gateway);
    route.rt_flags = RTF_UP | RTF_GATEWAY;
    if (::ioctl(socket_.get(), SIOCADDRT, &route) == 0) return {};
    return fail(from_errno(errno, "set the default route"));
  }

 private:
  Result<void> call(unsigned long number, std::string_view what) {
    if (::ioctl(socket_.get(), number, &request_) == 0) return {};
    return fail(from_errno(errno, fmt::format("{} {}", what, request_.ifr_name)));
  }
  os::Fd socket_;
  ifreq request_{};
};

/// Best effort where the kernel may lack the knob (IPv6 compiled out).
void set_knob(const std::string& name, const char* value) {
  const os::Fd fd(::open(("/proc/sys/net/" + name).c_str(), O_WRONLY | O_CLOEXEC));
  if (fd) (void)os::write_all(fd.get(), value);
}

/// On a thread that is inside.
Result<void> furnish(const Place& place) {
  set_knob("ipv4/conf/all/route_localnet", "1");     // for apps on 127.0.0.1 only
  set_knob("ipv4/ip_unprivileged_port_start", "0");  // port 80 is harmless in here
  set_knob("ipv6/conf/all/disable_ipv6", "1");  // else "localhost" may be where we cannot reach
  set_knob("ipv6/conf/default/disable_ipv6", "1");
  Interface loopback("lo");
  ECLUSE_TRY(loopback.up());
  Interface link(kInside);
  ECLUSE_TRY(link.set_address(place.address));
  ECLUSE_TRY(link.set_netmask(0xffffff00U));
  ECLUSE_TRY(link.up());
  return link.route_all_by(place.gateway);
}

bool exists(const std::string& interface) {
  return ::if_nametoindex(interface.c_str()) != 0;
}

Result<void> ip_batch(const std::string& commands) {
  const auto done = os::output_of({.argv = {"ip", "-batch", "-"}, .input = commands});
  if (!done) return fail(in_context("network", done.error()));
  return {};
}

/// A veth may go by itself at any moment, when the kernel gets to its dead namespace.
Result<void> remove_link(const std::string& name) {
  if (!exists(name)) return {};
  const auto done = os::output_of({.argv = {"ip", "link", "del", name}});
  if (done || !exists(name)) return {};
  return fail(in_context("network", done.error()));
}

/// The bridge's own address stays when ports come and go: otherwise every instance would lose its
/// way out for as long as it remembers the old one.
std::string bridge_commands(const std::string& bridge, const Place& place) {
  const std::uint64_t hash = label_hash(bridge);
  return fmt::format(
      "link add name {0} address 02:{1:02x}:{2:02x}:{3:02x}:{4:02x}:{5:02x} type bridge\n"
      "addr add {6}/24 dev {0}\nlink set {0} up\n",
      bridge, hash & 255, hash >> 8 & 255, hash >> 16 & 255, hash >> 24 & 255, hash >> 32 & 255,
      ipv4_text(place.gateway));
}

std::string veth_commands(const std::string& veth, const std::string& bridge, int netns_fd) {
  return fmt::format(
      "link add {0} type veth peer name {1} netns /proc/{2}/fd/{3}\n"
      "link set {0} master {4} up\n",
      veth, kInside, ::getpid(), netns_fd, bridge);
}
}  // namespace

Network::Network(std::filesystem::path file, Ipv4Network network, std::string tag)
    : range_(network),
      tag_(std::move(tag)),
      book_(std::move(file), network, static_cast<std::uint32_t>(label_hash(tag_))),
      firewall_(fmt::format("{}/{}", ipv4_text(network.base), network.bits)) {}

std::string Network::bridge_of(const std::string& environment) const {
  return "ecl" + short_label(tag_ + " " + environment, 9);
}

std::string Network::veth_of(const std::string& id) const {
  return "ecv" + short_label(tag_ + " " + id, 10);
}

std::set<std::uint32_t> Network::foreign_subnets(const std::string& own_bridge) const {
  std::set<std::uint32_t> taken;
  ifaddrs* all = nullptr;
  if (::getifaddrs(&all) != 0) return taken;
  for (const ifaddrs* one = all; one != nullptr; one = one->ifa_next) {
    if (one->ifa_addr == nullptr || one->ifa_addr->sa_family != AF_INET) continue;
    sockaddr_in in{};
    std::memcpy(&in, one->ifa_addr, sizeof in);
    const std::uint32_t address = ntohl(in.sin_addr.s_addr);
    if (address >> (32 - range_.bits) != range_.base >> (32 - range_.bits)) continue;
    if (own_bridge != one->ifa_name) taken.insert((address - range_.base) >> 8);
  }
  ::freeifaddrs(all);
  return taken;
}

Result<Place> Network::place_of(const std::string& id, const std::string& environment) {
  return book_.place_of(id, environment, foreign_subnets(bridge_of(environment)));
}

Result<Attachment> Network::attach(const std::string& id, const std::string& environment) {
  ECLUSE_ASSIGN(os::Fd netns, new_network_namespace());
  std::lock_guard guard(mutex_);
  ECLUSE_ASSIGN(const os::Fd lock, machine_lock());
  ECLUSE_ASSIGN(const Place place, place_of(id, environment));
  const std::string bridge = bridge_of(environment);
  const std::string veth = veth_of(id);
  // A namespace that died a moment ago may still hold its end.
  ECLUSE_TRY(remove_link(veth));
  std::string commands;
  if (!exists(bridge)) commands += bridge_commands(bridge, place);
  commands += veth_commands(veth, bridge, netns.get());
  ECLUSE_TRY(ip_batch(commands));
  ECLUSE_TRY(inside(netns.get(), [&] { return furnish(place); }));
  ECLUSE_TRY(firewall_.ensure());
  return Attachment{std::move(netns), ipv4_text(place.address)};
}

Result<std::string> Network::address_of(const std::string& id, const std::string& environment) {
  std::lock_guard guard(mutex_);
  ECLUSE_ASSIGN(const Place place, place_of(id, environment));
  return ipv4_text(place.address);
}

Result<void> Network::keep_only(const std::set<std::string>& ids) {
  std::lock_guard guard(mutex_);
  return book_.keep_only(ids);
}

Result<void> Network::detach(const std::string& id, const std::string& environment) {
  std::lock_guard guard(mutex_);
  ECLUSE_ASSIGN(const os::Fd lock, machine_lock());
  ECLUSE_ASSIGN(const bool last, book_.release(id, environment));
  ECLUSE_TRY(remove_link(veth_of(id)));
  return last ? remove_link(bridge_of(environment)) : Result<void>{};
}

}  // namespace ecluse::runtime
