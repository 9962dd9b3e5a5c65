#include "os/inside.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <linux/fs.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdio>

#include "base/text.h"
#include "os/fd.h"

namespace ecluse::os {

namespace {

/// The folder that holds a file, opened part by part, and the file's own name.
struct Place {
  Fd folder;
  std::string name;
};

Error refused(const std::string& path) {
  return {ErrorKind::kRefused, fmt::format("{} is a link, or leads through one", printable(path)),
          "nothing is written through links"};
}

Result<Place> place_of(const std::filesystem::path& root, const std::string& path) {
  Place place;
  place.folder.reset(::open(root.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
  if (!place.folder) return fail(from_errno(errno, "open " + root.string()));
  auto parts = split(path, '/');
  for (const auto& part : parts)
    if (part.empty() || part == "." || part == "..") return fail(refused(path));
  place.name = parts.back();
  parts.pop_back();
  for (const auto& part : parts) {
    Fd next(
        ::openat(place.folder.get(), part.c_str(), O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
    if (!next && (errno == ELOOP || errno == ENOTDIR)) return fail(refused(path));
    if (!next) return fail(from_errno(errno, "open " + printable(path)));
    place.folder = std::move(next);
  }
  return place;
}

struct Content {
  std::string bytes;
  mode_t mode = 0;
};

Result<Content> read(const Place& place, const std::string& path, std::size_t bytes_max) {
  const Fd fd(::openat(place.folder.get(), place.name.c_str(),
                       O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC));
  if (!fd && errno == ELOOP) return fail(refused(path));
  struct stat state{};
  if (!fd || ::fstat(fd.get(), &state) != 0)
    return fail(from_errno(errno, "open " + printable(path)));
  if (!S_ISREG(state.st_mode))
    return fail(ErrorKind::kInvalid, printable(path) + " is no regular file");
  Content content{.bytes = {}, .mode = state.st_mode & 07777};
  std::array<char, 65536> chunk{};
  for (;;) {
    const auto got = ::read(fd.get(), chunk.data(), chunk.size());
    if (got < 0) return fail(from_errno(errno, "read " + printable(path)));
    if (got == 0) return content;
    content.bytes.append(chunk.data(), static_cast<std::size_t>(got));
    if (content.bytes.size() > bytes_max)
      return fail(ErrorKind::kExhausted, printable(path) + " is too large");
  }
}

Result<void> write_new(const Place& place, const std::string& name, std::string_view bytes,
                       mode_t mode) {
  const Fd fd(::openat(place.folder.get(), name.c_str(),
                       O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600));
  if (!fd) return fail(from_errno(errno, "create " + printable(name)));
  ECLUSE_TRY(write_all(fd.get(), bytes));
  if (::fchmod(fd.get(), mode) != 0 || ::fsync(fd.get()) != 0)
    return fail(from_errno(errno, "write " + printable(name)));
  return {};
}

Result<mode_t> mode_to_write(const Place& place, const std::string& path,
                             const std::optional<std::string>& before) {
  constexpr mode_t kNewFile = 0644;
  const auto now = read(place, path, before ? before->size() : 0);
  if (!before && !now && now.error().kind == ErrorKind::kNotFound) return kNewFile;
  if (now && before && now->bytes == *before) return now->mode;
  if (!now && now.error().kind == ErrorKind::kRefused) return fail(now.error());
  return fail(ErrorKind::kConflict, printable(path) + " changed meanwhile", "run it again");
}
}  // namespace

Result<std::string> read_inside(const std::filesystem::path& root, const std::string& path,
                                std::size_t bytes_max) {
  ECLUSE_ASSIGN(const auto place, place_of(root, path));
  ECLUSE_ASSIGN(auto content, read(place, path, bytes_max));
  return std::move(content.bytes);
}

Result<void> replace_inside(const std::filesystem::path& root, const std::string& path,
                            const std::optional<std::string>& before, std::string_view bytes) {
  ECLUSE_ASSIGN(const auto place, place_of(root, path));
  ECLUSE_ASSIGN(const auto mode, mode_to_write(place, path, before));
  const auto sibling = fmt::format(".ecluse-new-{}", ::getpid());
  const int folder = place.folder.get();
  auto written = write_new(place, sibling, bytes, mode);
  // A file that came meanwhile is not overwritten by one that is new.
  const unsigned how = before ? 0 : RENAME_NOREPLACE;
  if (written && ::renameat2(folder, sibling.c_str(), folder, place.name.c_str(), how) != 0)
    written = fail(from_errno(errno, "rename to " + printable(path)));
  if (!written) (void)::unlinkat(folder, sibling.c_str(), 0);  // the error that matters is returned
  return written;
}

Result<void> rename_inside(const std::filesystem::path& root, const std::string& path,
                           const std::string& to) {
  ECLUSE_ASSIGN(const auto place, place_of(root, path));
  ECLUSE_ASSIGN(const auto target, place_of(root, to));
  if (::renameat2(place.folder.get(), place.name.c_str(), target.folder.get(), target.name.c_str(),
                  RENAME_NOREPLACE) == 0)
    return {};
  return fail(from_errno(errno, fmt::format("rename {} to {}", printable(path), printable(to))));
}

}  // namespace ecluse::os
