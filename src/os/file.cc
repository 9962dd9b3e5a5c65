#include "os/file.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>

namespace ecluse::os {

namespace {
Result<Fd> open_at(const std::filesystem::path& path, int flags, unsigned mode = 0) {
  const int fd = ::open(path.c_str(), flags | O_CLOEXEC, mode);
  if (fd < 0) return fail(from_errno(errno, fmt::format("open {}", path.string())));
  return Fd(fd);
}

Result<void> sync_folder(const std::filesystem::path& folder) {
  ECLUSE_ASSIGN(const Fd fd, open_at(folder, O_RDONLY | O_DIRECTORY));
  if (::fsync(fd.get()) != 0)
    return fail(from_errno(errno, fmt::format("fsync {}", folder.string())));
  return {};
}

Result<void> write_new(const std::filesystem::path& path, std::string_view bytes, unsigned mode) {
  ECLUSE_ASSIGN(const Fd fd, open_at(path, O_WRONLY | O_CREAT | O_TRUNC, mode));
  if (auto written = write_all(fd.get(), bytes); !written) {
    return fail(in_context(path.string(), std::move(written).error()));
  }
  if (::fsync(fd.get()) != 0)
    return fail(from_errno(errno, fmt::format("fsync {}", path.string())));
  return {};
}
}  // namespace

Result<std::string> read_file(const std::filesystem::path& path, std::size_t bytes_max) {
  ECLUSE_ASSIGN(const Fd fd, open_at(path, O_RDONLY));
  std::string bytes;
  std::array<char, 65536> chunk{};
  for (;;) {
    const ssize_t n = ::read(fd.get(), chunk.data(), chunk.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return fail(from_errno(errno, fmt::format("read {}", path.string())));
    if (n == 0) return bytes;
    bytes.append(chunk.data(), static_cast<std::size_t>(n));
    if (bytes.size() > bytes_max) {
      return fail(ErrorKind::kExhausted, fmt::format("{} is larger than the {} bytes read at most",
                                                     path.string(), bytes_max));
    }
  }
}

bool is_there(const std::filesystem::path& path) {
  std::error_code error;
  return std::filesystem::exists(path, error);
}

bool is_folder(const std::filesystem::path& path) {
  std::error_code error;
  return std::filesystem::is_directory(path, error);
}

bool is_plain_file(const std::filesystem::path& path) {
  std::error_code error;
  return std::filesystem::is_regular_file(path, error);
}

Result<void> replace_file(const std::filesystem::path& path, std::string_view bytes,
                          unsigned mode) {
  const std::filesystem::path sibling = fmt::format("{}.new.{}", path.string(), ::gettid());
  if (auto written = write_new(sibling, bytes, mode); !written) {
    (void)::unlink(sibling.c_str());  // best effort: the error that matters is returned
    return fail(std::move(written).error());
  }
  if (::rename(sibling.c_str(), path.c_str()) != 0) {
    const int reason = errno;
    (void)::unlink(sibling.c_str());  // best effort: the error that matters is returned
    return fail(from_errno(reason, fmt::format("rename {}", path.string())));
  }
  return sync_folder(path.parent_path().empty() ? "." : path.parent_path());
}

Result<Fd> lock_file(const std::filesystem::path& path) {
  ECLUSE_ASSIGN(Fd fd, open_at(path, O_RDWR | O_CREAT, 0600));
  if (::flock(fd.get(), LOCK_EX | LOCK_NB) == 0) return fd;
  if (errno == EWOULDBLOCK) {
    return fail(ErrorKind::kConflict,
                fmt::format("{} is locked by another process", path.string()));
  }
  return fail(from_errno(errno, fmt::format("lock {}", path.string())));
}

Result<void> make_folder(const std::filesystem::path& path, unsigned mode) {
  std::error_code error;
  std::filesystem::create_directories(path, error);
  if (error) return fail(from_errno(error.value(), fmt::format("mkdir {}", path.string())));
  if (::chmod(path.c_str(), mode) != 0) {
    return fail(from_errno(errno, fmt::format("chmod {}", path.string())));
  }
  return {};
}

}  // namespace ecluse::os
