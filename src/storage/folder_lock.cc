#include "storage/folder_lock.h"

#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>

#include "base/text.h"
#include "os/file.h"

namespace ecluse::storage {

namespace {
constexpr std::size_t kPidBytesMax = 32;

tl::unexpected<Error> held(const std::filesystem::path& folder, const std::string& holder) {
  return fail(ErrorKind::kConflict,
              fmt::format("another ecluse (pid {}) uses {}", holder, folder.string()),
              "stop it with `ecluse down`, or give this one a folder of its own with --data");
}

std::string holder_of(const std::filesystem::path& file) {
  const auto text = os::read_file(file, kPidBytesMax);
  const auto pid = text ? printable(trim(*text), kPidBytesMax) : std::string();
  return pid.empty() ? "unknown" : pid;
}

Result<void> write_pid(int fd, const std::filesystem::path& file) {
  if (::ftruncate(fd, 0) != 0)
    return fail(from_errno(errno, fmt::format("write {}", file.string())));
  return os::write_all(fd, fmt::format("{}\n", ::getpid()));
}
}  // namespace

Result<FolderLock> FolderLock::acquire(const std::filesystem::path& folder) {
  const auto file = folder / "lock";
  auto fd = os::lock_file(file);
  if (!fd && fd.error().kind == ErrorKind::kConflict) return held(folder, holder_of(file));
  if (!fd) return fail(std::move(fd).error());
  ECLUSE_TRY(write_pid(fd->get(), file));
  return FolderLock(std::move(*fd));
}

}  // namespace ecluse::storage
