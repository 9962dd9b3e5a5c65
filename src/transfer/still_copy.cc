#include "transfer/still_copy.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <ctime>

#include "os/fd.h"

namespace ecluse::transfer {

namespace {
namespace fs = std::filesystem;

/// The kernel's file times move in steps of up to 10 ms; a file that changed longer ago than this
/// and has the same times later was not written in between.
constexpr std::int64_t kQuiet_ns = 100'000'000;
constexpr int kRetry_ms = 50;
constexpr std::array<const char*, 3> kParts = {"", "-wal", "-journal"};

struct Part {
  os::Fd fd;  ///< none: there is no such file
  struct stat state{};
};
using Parts = std::array<Part, kParts.size()>;

std::int64_t ns(const timespec& time) {
  return time.tv_sec * 1'000'000'000LL + time.tv_nsec;
}

bool same(const Part& a, const Part& b) {
  if (!a.fd || !b.fd) return !a.fd && !b.fd;
  return a.state.st_dev == b.state.st_dev && a.state.st_ino == b.state.st_ino &&
         a.state.st_size == b.state.st_size && ns(a.state.st_mtim) == ns(b.state.st_mtim) &&
         ns(a.state.st_ctim) == ns(b.state.st_ctim);
}

bool is_quiet(const Part& part) {
  timespec now{};
  clock_gettime(CLOCK_REALTIME, &now);
  return !part.fd || std::abs(ns(now) - ns(part.state.st_mtim)) > kQuiet_ns;
}

Result<Part> open_part(const fs::path& path, std::optional<uid_t> owner) {
  Part part;
  // O_NONBLOCK: opening a FIFO must not wait for its writer.
  part.fd.reset(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOFOLLOW | O_NOCTTY));
  if (!part.fd && errno == ENOENT) return part;
  if (!part.fd || fstat(part.fd.get(), &part.state) != 0)
    return fail(from_errno(errno, "open " + path.string()));
  if (!S_ISREG(part.state.st_mode))
    return fail(ErrorKind::kInvalid, path.string() + " is no regular file");
  if (owner && *owner != 0 && part.state.st_uid != *owner)
    return fail(ErrorKind::kRefused, path.string() + " is somebody else's file",
                "copy it, and name the copy");
  return part;
}

Result<Parts> open_parts(const fs::path& file, std::optional<uid_t> owner) {
  Parts parts;
  for (std::size_t i = 0; i < parts.size(); ++i) {
    ECLUSE_ASSIGN(parts[i], open_part(file.string() + kParts[i], owner));
  }
  if (parts[0].fd) return parts;
  return fail(ErrorKind::kNotFound, "there is no file " + file.string());
}

Result<void> copy_part(const Part& part, const fs::path& to) {
  const os::Fd out(::open(to.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600));
  if (!out) return fail(from_errno(errno, "create " + to.string()));
  std::array<char, 1 << 16> buffer{};
  for (off_t at = 0;;) {
    const auto got = ::pread(part.fd.get(), buffer.data(), buffer.size(), at);
    if (got < 0) return fail(from_errno(errno, "read the source"));
    if (got == 0) return {};
    ECLUSE_TRY(os::write_all(out.get(), {buffer.data(), static_cast<std::size_t>(got)}));
    at += got;
  }
}

/// False: it was written meanwhile.
Result<bool> try_copy(const fs::path& file, const fs::path& to, std::optional<uid_t> owner) {
  ECLUSE_ASSIGN(const auto before, open_parts(file, owner));
  for (const auto& part : before)
    if (!is_quiet(part)) return false;
  for (std::size_t i = 0; i < before.size(); ++i) {
    const auto name = to.string() + kParts[i];
    std::error_code none;  // of an earlier try
    fs::remove(name, none);
    if (before[i].fd) ECLUSE_TRY(copy_part(before[i], name));
  }
  ECLUSE_ASSIGN(const auto after, open_parts(file, owner));
  for (std::size_t i = 0; i < before.size(); ++i)
    if (!same(before[i], after[i])) return false;
  return true;
}
}  // namespace

Result<fs::path> still_copy(const fs::path& file, const fs::path& folder,
                            std::optional<uid_t> owner, std::chrono::milliseconds patience) {
  const auto to = folder / "source.db";
  const auto deadline = std::chrono::steady_clock::now() + patience;
  for (;;) {
    ECLUSE_ASSIGN(const bool still, try_copy(file, to, owner));
    if (still) return to;
    if (std::chrono::steady_clock::now() > deadline) break;
    ::poll(nullptr, 0, kRetry_ms);
  }
  return fail(ErrorKind::kConflict, file.string() + " is being written",
              "stop the program that writes it, so that nothing is left behind");
}

}  // namespace ecluse::transfer
