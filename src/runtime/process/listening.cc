#include "runtime/process/listening.h"

#include <arpa/inet.h>
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cstring>
#include <filesystem>
#include <set>
#include <sstream>

#include "base/text.h"
#include "os/file.h"

namespace ecluse::runtime {

namespace {
constexpr std::string_view kListen = "0A";
constexpr std::size_t kTableBytesMax = 16 << 20;

std::uint32_t hex(std::string_view digits) {
  std::uint32_t value = 0;
  std::from_chars(digits.data(), digits.data() + digits.size(), value, 16);
  return value;
}

/// The kernel prints each 32-bit word of the address in the machine's own order.
std::string address_of(std::string_view digits, bool v6) {
  std::array<std::uint32_t, 4> words{};
  for (std::size_t i = 0; i * 8 + 8 <= digits.size() && i < words.size(); ++i) {
    words[i] = hex(digits.substr(i * 8, 8));
  }
  std::array<char, INET6_ADDRSTRLEN> text{};
  ::inet_ntop(v6 ? AF_INET6 : AF_INET, words.data(), text.data(), text.size());
  return text.data();
}

std::set<std::uint64_t> socket_inodes(const std::vector<pid_t>& pids) {
  std::set<std::uint64_t> inodes;
  for (const pid_t pid : pids) {
    std::error_code gone;  // a process may end while we look
    for (const auto& entry :
         std::filesystem::directory_iterator(fmt::format("/proc/{}/fd", pid), gone)) {
      const std::string aim = std::filesystem::read_symlink(entry.path(), gone).string();
      if (aim.starts_with("socket:[")) inodes.insert(std::strtoull(aim.c_str() + 8, nullptr, 10));
    }
  }
  return inodes;
}
}  // namespace

std::vector<ListeningSocket> parse_listening(std::string_view table, bool v6) {
  std::vector<ListeningSocket> sockets;
  for (const std::string& line : split(table, '\n')) {
    std::istringstream in(line);
    std::string slot, local, remote, state, queues, timer, retransmits, uid, timeout;
    std::uint64_t inode = 0;
    in >> slot >> local >> remote >> state >> queues >> timer >> retransmits >> uid >> timeout >>
        inode;
    const std::size_t colon = local.find(':');
    if (!in || state != kListen || colon == std::string::npos) continue;
    const auto port = static_cast<std::uint16_t>(hex(std::string_view(local).substr(colon + 1)));
    sockets.push_back({{address_of(std::string_view(local).substr(0, colon), v6), port}, inode});
  }
  return sockets;
}

std::vector<ListeningSocket> listening_near(pid_t pid) {
  std::vector<ListeningSocket> all;
  for (const bool v6 : {false, true}) {
    const auto table =
        os::read_file(fmt::format("/proc/{}/net/{}", pid, v6 ? "tcp6" : "tcp"), kTableBytesMax);
    if (!table) continue;  // the process is gone, or the kernel has no IPv6
    const auto some = parse_listening(*table, v6);
    all.insert(all.end(), some.begin(), some.end());
  }
  return all;
}

std::vector<ports::Listener> listening_of(const std::vector<pid_t>& pids) {
  std::vector<ports::Listener> found;
  if (pids.empty()) return found;
  const auto inodes = socket_inodes(pids);
  for (const ListeningSocket& socket : listening_near(pids.front())) {
    if (inodes.contains(socket.inode)) found.push_back(socket.at);
  }
  return found;
}

bool is_loopback(std::string_view address) {
  return address.starts_with("127.") || address == "::1" || address.starts_with("::ffff:127.");
}

}  // namespace ecluse::runtime
