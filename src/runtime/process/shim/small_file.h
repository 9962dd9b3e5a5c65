#pragma once
// Small files read and written whole, with the shim's own errors.

#include <sys/types.h>

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace ecluse::shim {

Result<std::string> read_small(const std::string& path, std::size_t bytes_max = 4 << 20);
/// Into an existing file, as the kernel's own files want it: one write.
Result<void> put(const std::string& path, std::string_view text);
enum class Durable { kNo, kYes };
/// Replaces `path` by rename.
Result<void> replace_small(const std::string& path, std::string_view text, Durable durable);
std::vector<std::string> names_in(const std::string& folder);
/// The numbers of a file like cgroup.procs; empty when it cannot be read.
std::vector<pid_t> pids_in(const std::string& path);

}  // namespace ecluse::shim
