#include "runtime/process/shim/small_file.h"

#include <dirent.h>
#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>

#include "os/fd.h"
#include "runtime/process/shim/failure.h"

namespace ecluse::shim {

namespace {
Result<void> write_to(int fd, std::string_view text, const std::string& path) {
  while (!text.empty()) {
    const ssize_t n = ::write(fd, text.data(), text.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return failed("write " + path);
    text.remove_prefix(static_cast<std::size_t>(n));
  }
  return {};
}
}  // namespace

Result<std::string> read_small(const std::string& path, std::size_t bytes_max) {
  const os::Fd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!fd) return failed("open " + path);
  std::string text;
  char chunk[4096];
  for (;;) {
    const ssize_t n = ::read(fd.get(), chunk, sizeof chunk);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return failed("read " + path);
    if (n == 0) return text;
    text.append(chunk, static_cast<std::size_t>(n));
    if (text.size() > bytes_max) return fail(ErrorKind::kExhausted, path + " is too large");
  }
}

Result<void> put(const std::string& path, std::string_view text) {
  const os::Fd fd(::open(path.c_str(), O_WRONLY | O_CLOEXEC));
  if (!fd) return failed("open " + path);
  return write_to(fd.get(), text, path);
}

Result<void> replace_small(const std::string& path, std::string_view text, Durable durable) {
  const std::string sibling = path + ".new";
  const os::Fd fd(::open(sibling.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600));
  if (!fd) return failed("open " + sibling);
  ECLUSE_TRY(write_to(fd.get(), text, sibling));
  if (durable == Durable::kYes && ::fsync(fd.get()) != 0) return failed("fsync " + sibling);
  if (::rename(sibling.c_str(), path.c_str()) != 0) return failed("rename " + path);
  return {};
}

std::vector<std::string> names_in(const std::string& folder) {
  std::vector<std::string> names;
  DIR* dir = ::opendir(folder.c_str());
  if (dir == nullptr) return names;
  while (const dirent* entry = ::readdir(dir)) {
    const std::string name = entry->d_name;
    if (name != "." && name != "..") names.push_back(name);
  }
  ::closedir(dir);
  return names;
}

std::vector<pid_t> pids_in(const std::string& path) {
  std::vector<pid_t> pids;
  const auto text = read_small(path);
  if (!text) return pids;
  const char* at = text->c_str();
  for (char* end = nullptr;; at = end) {
    const long pid = std::strtol(at, &end, 10);
    if (end == at) return pids;
    pids.push_back(static_cast<pid_t>(pid));
  }
}

}  // namespace ecluse::shim
