#include "runtime/process/shim/process_id.h"

#include <cstdio>

#include "runtime/process/shim/small_file.h"

namespace ecluse::shim {

ProcessStat stat_of(pid_t pid) {
  ProcessStat stat;
  const auto text = read_small("/proc/" + std::to_string(pid) + "/stat");
  if (!text) return stat;
  // The name is in parentheses and may itself hold some, so fields are counted from the last one.
  const std::size_t name_end = text->rfind(')');
  if (name_end == std::string::npos) return stat;
  unsigned long long start = 0;
  const int fields = std::sscanf(text->c_str() + name_end + 1,
                                 " %c %d %*d %d %*d %*d %*u %*u %*u %*u %*u %*u %*u %*d %*d %*d "
                                 "%*d %*d %*d %llu",
                                 &stat.state, &stat.parent, &stat.session, &start);
  if (fields == 4) stat.start_ticks = start;
  return stat;
}

bool is_alive(pid_t pid, std::uint64_t start_ticks) {
  if (pid <= 0) return false;
  const ProcessStat stat = stat_of(pid);
  return stat.start_ticks != 0 && stat.start_ticks == start_ticks && stat.state != 'Z' &&
         stat.state != 'X';
}

std::string boot_id() {
  auto text = read_small("/proc/sys/kernel/random/boot_id");
  if (!text) return {};
  while (!text->empty() && text->back() == '\n') text->pop_back();
  return *text;
}

}  // namespace ecluse::shim
