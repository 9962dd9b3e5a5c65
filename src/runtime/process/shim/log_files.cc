#include "runtime/process/shim/log_files.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>

#include "runtime/process/shim/failure.h"
#include "runtime/process/shim/small_file.h"

namespace ecluse::shim {

namespace {
/// A line that never ends is cut at this many times the size of a file.
constexpr std::uint64_t kLongestLineInFiles = 2;
}  // namespace

std::string log_name(std::uint64_t offset) {
  const std::string digits = std::to_string(offset);
  return std::string(20 - std::min<std::size_t>(20, digits.size()), '0') + digits + ".log";
}

Result<void> LogFiles::open() {
  auto names = names_in(folder_);
  if (names.empty()) return open_at(0);
  const std::string newest = *std::max_element(names.begin(), names.end());
  return open_at(std::strtoull(newest.c_str(), nullptr, 10));
}

Result<void> LogFiles::open_at(std::uint64_t offset) {
  const std::string path = folder_ + "/" + log_name(offset);
  os::Fd next(::open(path.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0640));
  if (!next) return failed("open " + path);
  struct stat info{};
  if (::fstat(next.get(), &info) != 0) return failed("stat " + path);
  file_ = std::move(next);
  begin_ = offset;
  size_ = static_cast<std::uint64_t>(info.st_size);
  return {};
}

void LogFiles::write(std::string_view bytes) {
  while (size_ + bytes.size() > bytes_max_ && !bytes.empty()) {
    // Up to the end of the line that crosses the limit, so that no line is cut in two.
    const std::uint64_t room = size_ < bytes_max_ ? bytes_max_ - size_ : 0;
    const std::size_t end = bytes.find('\n', static_cast<std::size_t>(room));
    if (end == std::string_view::npos && size_ + bytes.size() < kLongestLineInFiles * bytes_max_) {
      break;
    }
    const std::size_t cut = end == std::string_view::npos ? bytes.size() : end + 1;
    if (!append(bytes.substr(0, cut))) return;
    bytes.remove_prefix(cut);
    rotate();
  }
  append(bytes);
}

bool LogFiles::append(std::string_view bytes) {
  if (lost_ > 0) {
    const std::string note = "ecluse: " + std::to_string(lost_) + " bytes of output were lost\n";
    if (::write(file_.get(), note.data(), note.size()) != static_cast<ssize_t>(note.size())) {
      lost_ += bytes.size();
      return false;
    }
    size_ += note.size();
    lost_ = 0;
  }
  while (!bytes.empty()) {
    const ssize_t n = ::write(file_.get(), bytes.data(), bytes.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) {
      lost_ += bytes.size();
      return false;
    }
    size_ += static_cast<std::uint64_t>(n);
    bytes.remove_prefix(static_cast<std::size_t>(n));
  }
  return true;
}

void LogFiles::rotate() {
  if (open_at(begin_ + size_)) forget_old();  // else the old file grows until the next attempt
}

void LogFiles::forget_old() {
  auto names = names_in(folder_);
  std::sort(names.begin(), names.end());
  const auto kept = static_cast<std::size_t>(files_max_);
  for (std::size_t i = 0; i + kept < names.size(); ++i) {
    ::unlink((folder_ + "/" + names[i]).c_str());
  }
}

}  // namespace ecluse::shim
