#include "runtime/process/shim_image.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

#include "base/log.h"
#include "os/file.h"

extern "C" {
// cmake/Extras.cmake builds the shim and puts it between these two.
extern const char ecluse_shim_begin[];
extern const char ecluse_shim_end[];
}

namespace ecluse::runtime {

namespace {
constexpr unsigned kMfdExec = 0x0010U;  // MFD_EXEC, Linux 6.3

Result<os::Fd> reopened(const std::string& path) {
  // What is open for writing cannot be executed.
  os::Fd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!fd) return fail(from_errno(errno, "open the shim"));
  return fd;
}

Result<os::Fd> in_memory() {
  os::Fd fd(::memfd_create("ecluse-shim", MFD_CLOEXEC | kMfdExec));
  if (!fd && errno == EINVAL) fd.reset(::memfd_create("ecluse-shim", MFD_CLOEXEC));
  if (!fd) return fail(from_errno(errno, "make a file in memory"));
  ECLUSE_TRY(os::write_all(fd.get(), shim_bytes()));
  return reopened(fmt::format("/proc/self/fd/{}", fd.get()));
}

Result<os::Fd> on_disk(const std::filesystem::path& folder) {
  const auto path = folder / "shim";
  ECLUSE_TRY(os::make_folder(folder, 0700));
  ECLUSE_TRY(os::replace_file(path, shim_bytes(), 0700));
  return reopened(path);
}

bool may_execute(int fd) {
  return ::faccessat(fd, "", X_OK, AT_EMPTY_PATH) == 0;
}
}  // namespace

std::string_view shim_bytes() {
  return {ecluse_shim_begin, static_cast<std::size_t>(ecluse_shim_end - ecluse_shim_begin)};
}

Result<os::Fd> open_shim_image(const std::filesystem::path& folder) {
  auto image = in_memory();
  if (image && may_execute(image->get())) return image;
  log_info(
      "programs in memory may not be executed here (vm.memfd_noexec?): the shim is written to {}",
      folder.string());
  return on_disk(folder);
}

}  // namespace ecluse::runtime
