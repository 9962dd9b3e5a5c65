#include "gateway/descriptor_limit.h"

#include <sys/resource.h>

#include <algorithm>

namespace ecluse::gateway {

std::uint64_t raise_descriptor_limit() {
  rlimit limit{};
  (void)::getrlimit(RLIMIT_NOFILE, &limit);  // cannot fail for this resource
  const rlimit highest{limit.rlim_max, limit.rlim_max};
  // If the kernel refuses, the lower limit only bounds us sooner; whoever reads the log sees it.
  if (::setrlimit(RLIMIT_NOFILE, &highest) == 0) return highest.rlim_cur;
  return limit.rlim_cur;
}

std::uint64_t client_room(std::uint64_t limit, std::uint64_t bound) {
  constexpr std::uint64_t kOwn = 64;
  const std::uint64_t reserved = limit / 8 + kOwn;
  return limit > reserved ? std::min(bound, limit - reserved) : 1;
}

}  // namespace ecluse::gateway
