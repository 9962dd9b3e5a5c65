#include "services/oom_protection.h"

#include <linux/capability.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cstdint>

namespace ecluse::services {

int best_oom_score_adj() {
  __user_cap_header_struct header{_LINUX_CAPABILITY_VERSION_3, 0};
  __user_cap_data_struct sets[_LINUX_CAPABILITY_U32S_3] = {};
  if (::syscall(SYS_capget, &header, sets) != 0) return 0;
  const std::uint32_t bit = CAP_TO_MASK(CAP_SYS_RESOURCE);
  return (sets[CAP_TO_INDEX(CAP_SYS_RESOURCE)].effective & bit) != 0 ? kOomProtected : 0;
}

}  // namespace ecluse::services
