#include "artifact/tree.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <vector>

#include "artifact/sha256.h"
#include "base/text.h"
#include "os/fd.h"

namespace ecluse::artifact {

namespace fs = std::filesystem;

namespace {
tl::unexpected<Error> cannot(std::string_view what, const fs::path& path, int code = errno) {
  return fail(from_errno(code, fmt::format("{} {}", what, printable(path.string()))));
}

/// Paths below `tree`, relative to it, sorted by their bytes; links are not followed.
Result<std::vector<std::string>> paths_below(const fs::path& tree) {
  std::vector<std::string> paths;
  std::error_code error;
  const std::size_t cut = tree.native().size() + 1;
  for (fs::recursive_directory_iterator at(tree, error), end; !error && at != end;
       at.increment(error)) {
    paths.push_back(at->path().native().substr(cut));
  }
  if (error) return cannot("read the folder", tree, error.value());
  std::sort(paths.begin(), paths.end());
  return paths;
}

Result<struct stat> stat_of(const fs::path& path) {
  struct stat status{};
  if (::lstat(path.c_str(), &status) != 0) return cannot("look at", path);
  return status;
}

Result<std::string> hash_of_file(const fs::path& path) {
  const os::Fd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW));
  if (!fd) return cannot("open", path);
  Sha256 hash;
  std::array<char, 1 << 17> chunk{};
  for (;;) {
    const ssize_t n = ::read(fd.get(), chunk.data(), chunk.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return cannot("read", path);
    if (n == 0) return hash.hex();
    hash.add({chunk.data(), static_cast<std::size_t>(n)});
  }
}

Result<std::string> target_of(const fs::path& link) {
  std::error_code error;
  std::string target = fs::read_symlink(link, error).string();
  if (error) return cannot("read the link", link, error.value());
  return target;
}

/// "kind size hash path\0", the record that docs/builds.md describes.
Result<std::string> record_of(const fs::path& tree, const std::string& path, std::uint64_t& bytes) {
  const fs::path place = tree / path;
  ECLUSE_ASSIGN(const struct stat status, stat_of(place));
  if (S_ISDIR(status.st_mode)) return fmt::format("d 0 - {}", path) + '\0';
  if (S_ISLNK(status.st_mode)) {
    ECLUSE_ASSIGN(const std::string target, target_of(place));
    return fmt::format("l {} {} {}", target.size(), sha256_hex(target), path) + '\0';
  }
  if (!S_ISREG(status.st_mode)) {
    return fail(ErrorKind::kInvalid,
                fmt::format("{} is neither a file, a folder nor a link", printable(path)),
                "remove it at the end of the build");
  }
  bytes += static_cast<std::uint64_t>(status.st_size);
  ECLUSE_ASSIGN(const std::string hash, hash_of_file(place));
  const char kind = (status.st_mode & S_IXUSR) != 0 ? 'x' : 'f';
  return fmt::format("{} {} {} {}", kind, status.st_size, hash, path) + '\0';
}
}  // namespace

Result<TreeDigest> digest_of(const fs::path& tree) {
  ECLUSE_ASSIGN(const auto paths, paths_below(tree));
  TreeDigest digest;
  Sha256 all;
  all.add(std::string_view("ecluse-tree-1\0", 14));
  for (const std::string& path : paths) {
    ECLUSE_ASSIGN(const std::string record, record_of(tree, path, digest.bytes));
    all.add(record);
  }
  digest.hex = all.hex();
  return digest;
}

namespace {
Result<void> settle_one(const fs::path& path, const timespec& time) {
  ECLUSE_ASSIGN(const struct stat status, stat_of(path));
  const bool root = ::geteuid() == 0;
  // Only layers are root's before they are settled, and those are.
  if (root && status.st_uid == 0 && !S_ISDIR(status.st_mode)) return {};
  if (root && ::lchown(path.c_str(), 0, 0) != 0) return cannot("take over", path);
  if (!S_ISLNK(status.st_mode)) {
    const bool runs = S_ISDIR(status.st_mode) || (status.st_mode & S_IXUSR) != 0;
    if (::chmod(path.c_str(), runs ? 0755 : 0644) != 0) return cannot("chmod", path);
  }
  const std::array<timespec, 2> times = {time, time};
  if (::utimensat(AT_FDCWD, path.c_str(), times.data(), AT_SYMLINK_NOFOLLOW) != 0) {
    return cannot("date", path);
  }
  return {};
}
}  // namespace

Result<void> settle(const fs::path& tree, WallTime time) {
  ECLUSE_ASSIGN(const auto paths, paths_below(tree));
  const timespec at{time.ms_since_epoch / 1000, 0};
  // A folder after what it holds (children sort behind it), so that nothing changes its date again.
  for (auto path = paths.rbegin(); path != paths.rend(); ++path) {
    ECLUSE_TRY(settle_one(tree / *path, at));
  }
  return settle_one(tree, at);
}

Result<void> give_to(const fs::path& tree, std::uint32_t uid) {
  if (::geteuid() != 0) return {};
  ECLUSE_ASSIGN(const auto paths, paths_below(tree));
  for (const std::string& path : paths) {
    if (::lchown((tree / path).c_str(), uid, uid) != 0) return cannot("chown", tree / path);
  }
  if (::lchown(tree.c_str(), uid, uid) != 0) return cannot("chown", tree);
  return {};
}

Result<void> give_folders_to(const fs::path& tree, std::uint32_t uid) {
  if (::geteuid() != 0) return {};
  ECLUSE_ASSIGN(auto paths, paths_below(tree));
  paths.emplace_back();
  for (const std::string& path : paths) {
    ECLUSE_ASSIGN(const struct stat status, stat_of(tree / path));
    const bool folder = S_ISDIR(status.st_mode);
    if (folder && ::lchown((tree / path).c_str(), uid, uid) != 0)
      return cannot("chown", tree / path);
  }
  return {};
}

namespace {
Result<void> copy_file(const fs::path& from, const fs::path& to, const struct stat& status) {
  std::error_code error;
  fs::copy_file(from, to, error);
  if (error) return cannot("copy to", to, error.value());
  if (::chmod(to.c_str(), status.st_mode & 0777) != 0) return cannot("chmod", to);
  const std::array<timespec, 2> times = {status.st_atim, status.st_mtim};
  if (::utimensat(AT_FDCWD, to.c_str(), times.data(), 0) != 0) return cannot("date", to);
  return {};
}

Result<void> clone_entry(const fs::path& from, const fs::path& to, Sharing sharing,
                         std::uint32_t folder_uid) {
  ECLUSE_ASSIGN(const struct stat status, stat_of(from));
  if (S_ISREG(status.st_mode)) {
    if (sharing == Sharing::kHardLinks && ::link(from.c_str(), to.c_str()) == 0) return {};
    return copy_file(from, to, status);
  }
  if (S_ISDIR(status.st_mode)) {
    if (::mkdir(to.c_str(), 0755) != 0) return cannot("mkdir", to);
  } else {
    ECLUSE_ASSIGN(const std::string target, target_of(from));
    if (::symlink(target.c_str(), to.c_str()) != 0) return cannot("link", to);
  }
  if (::geteuid() == 0 && ::lchown(to.c_str(), folder_uid, folder_uid) != 0) {
    return cannot("chown", to);
  }
  return {};
}
}  // namespace

Result<void> clone_tree(const fs::path& from, const fs::path& to, Sharing sharing,
                        std::uint32_t folder_uid) {
  ECLUSE_ASSIGN(const auto paths, paths_below(from));
  ECLUSE_TRY(clone_entry(from, to, sharing, folder_uid));
  for (const std::string& path : paths) {
    ECLUSE_TRY(clone_entry(from / path, to / path, sharing, folder_uid));
  }
  return {};
}

std::uint64_t bytes_below(const fs::path& tree) {
  const auto paths = paths_below(tree);
  std::uint64_t bytes = 0;
  for (const std::string& path : paths ? *paths : std::vector<std::string>{}) {
    const auto status = stat_of(tree / path);
    const bool only_here = status && S_ISREG(status->st_mode) && status->st_nlink == 1;
    if (only_here) bytes += static_cast<std::uint64_t>(status->st_size);
  }
  return bytes;
}

Result<void> remove_tree(const fs::path& tree) {
  std::error_code error;
  if (::geteuid() != 0) {
    // Go's module cache is read-only; root does not care.
    for (fs::recursive_directory_iterator at(tree, error), end; !error && at != end;
         at.increment(error)) {
      if (fs::is_directory(at->symlink_status(error))) (void)::chmod(at->path().c_str(), 0755);
    }
    error.clear();
  }
  fs::remove_all(tree, error);
  if (error) return cannot("remove", tree, error.value());
  return {};
}

Result<void> remove_bytecode(const fs::path& tree) {
  ECLUSE_ASSIGN(const auto paths, paths_below(tree));
  for (const std::string& path : paths) {
    if (fs::path(path).filename() == "__pycache__") ECLUSE_TRY(remove_tree(tree / path));
  }
  return {};
}

Result<void> sync_tree(const fs::path& tree) {
  const os::Fd fd(::open(tree.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!fd) return cannot("open", tree);
  // One call for thousands of files: an fsync of each takes minutes on a slow disk.
  if (::syncfs(fd.get()) != 0) return cannot("sync", tree);
  return {};
}

}  // namespace ecluse::artifact
