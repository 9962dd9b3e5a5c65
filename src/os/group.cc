#include "os/group.h"

#include <grp.h>
#include <pwd.h>

#include <algorithm>
#include <cerrno>
#include <vector>

namespace ecluse::os {

namespace {
constexpr std::size_t kEntryBytesMax = 1 << 20;

/// getpwnam_r and getgrnam_r: the buffer grows until the entry fits.
template <typename Entry, typename Look>
bool look_up(const std::string& name, Entry& entry, std::vector<char>& buffer, Look look) {
  Entry* found = nullptr;
  buffer.resize(4096);
  while (look(name.c_str(), &entry, buffer.data(), buffer.size(), &found) == ERANGE &&
         buffer.size() < kEntryBytesMax)
    buffer.resize(buffer.size() * 2);
  return found != nullptr;
}
}  // namespace

bool is_member(const std::string& person, const std::string& group) {
  passwd account{};
  ::group wanted{};
  std::vector<char> account_text;
  std::vector<char> group_text;
  if (!look_up(person, account, account_text, getpwnam_r)) return false;
  if (!look_up(group, wanted, group_text, getgrnam_r)) return false;
  int count = 64;
  std::vector<gid_t> groups(static_cast<std::size_t>(count));
  while (getgrouplist(person.c_str(), account.pw_gid, groups.data(), &count) < 0)
    groups.resize(static_cast<std::size_t>(count));
  groups.resize(static_cast<std::size_t>(count));
  return std::ranges::find(groups, wanted.gr_gid) != groups.end();
}

}  // namespace ecluse::os
