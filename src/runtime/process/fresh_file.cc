#include "runtime/process/fresh_file.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>

#include <cerrno>

#include "os/fd.h"

namespace ecluse::runtime {

Result<void> write_again(const std::filesystem::path& path, std::string_view bytes, unsigned mode) {
  const std::string sibling = path.string() + ".new";
  const os::Fd fd(::open(sibling.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, mode));
  if (!fd) return fail(from_errno(errno, "open " + sibling));
  // Whatever our umask is: an app must be able to read its /etc.
  if (::fchmod(fd.get(), mode) != 0) return fail(from_errno(errno, "chmod " + sibling));
  ECLUSE_TRY(os::write_all(fd.get(), bytes));
  if (::rename(sibling.c_str(), path.c_str()) == 0) return {};
  return fail(from_errno(errno, "rename " + path.string()));
}

}  // namespace ecluse::runtime
