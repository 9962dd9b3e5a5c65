#include "gateway/access_log.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <nlohmann/json.hpp>

#include "base/log.h"
#include "base/time.h"

namespace ecluse::gateway {

namespace {
using nlohmann::json;

double ms_of_us(std::int64_t us) {
  return static_cast<double>(us) / 1000;
}
}  // namespace

std::string access_line(const AccessNote& note, std::int64_t took_us, std::int64_t ended_ms) {
  json line{{"time", to_string(WallTime{ended_ms})},
            {"id", note.id},
            {"site", note.site},
            {"release", note.release},
            {"cohort", note.is_on_trial ? "trial" : "stable"},
            {"instance", note.instance},
            {"client", note.client},
            {"method", note.method},
            {"host", note.host},
            {"path", note.path},
            {"status", note.status},
            {"attempts", note.attempts},
            {"bytes_in", note.bytes_in},
            {"bytes_out", note.bytes_out},
            {"took_ms", ms_of_us(took_us)}};
  if (note.head_us != 0) line["head_ms"] = ms_of_us(note.head_us - note.arrived_us);
  return line.dump(-1, ' ', false, json::error_handler_t::replace);
}

AccessLog::AccessLog(std::filesystem::path file, std::uint64_t bytes_max, std::uint64_t files_max)
    : file_(std::move(file)), bytes_max_(bytes_max), files_max_(files_max) {
  thread_ = std::thread([this] { run(); });
}

AccessLog::~AccessLog() {
  desk_.change([](Desk& desk) { desk.ends = true; });
  thread_.join();
}

void AccessLog::put(std::string line) {
  line += '\n';
  desk_.change([&](Desk& desk) {
    if (desk.lines.size() >= kQueuedLinesMax) {
      dropped_.fetch_add(1, std::memory_order_relaxed);
    } else {
      desk.lines.push_back(std::move(line));
    }
  });
}

void AccessLog::run() {
  constexpr std::chrono::hours kForever{1};
  for (bool ends = false; !ends;) {
    std::vector<std::string> lines;
    desk_.when(
        kForever, [](const Desk& desk) { return desk.ends || !desk.lines.empty(); },
        [&](Desk& desk) {
          ends = desk.ends;
          lines.swap(desk.lines);
        });
    if (!lines.empty()) write(lines);
  }
}

void AccessLog::write(const std::vector<std::string>& lines) {
  std::string text;
  for (const std::string& line : lines) text += line;
  if (!open_if_moved()) return;
  if (auto written = os::write_all(fd_.get(), text); !written) {
    dropped_.fetch_add(lines.size(), std::memory_order_relaxed);
    log_error("gateway: the access log {}: {}", file_.string(), written.error().message);
    fd_.reset();
    return;
  }
  struct stat state{};
  const bool is_full =
      ::fstat(fd_.get(), &state) == 0 && static_cast<std::uint64_t>(state.st_size) >= bytes_max_;
  if (is_full) rotate();
}

/// The process that follows us, or the administrator, may have renamed the file.
bool AccessLog::open_if_moved() {
  struct stat ours{};
  struct stat there{};
  const bool is_there = fd_ && ::fstat(fd_.get(), &ours) == 0 &&
                        ::stat(file_.c_str(), &there) == 0 && ours.st_ino == there.st_ino &&
                        ours.st_dev == there.st_dev;
  if (is_there) return true;
  fd_.reset(::open(file_.c_str(), O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0640));
  if (fd_) return true;
  log_error("gateway: {}", from_errno(errno, "open " + file_.string()).message);
  return false;
}

void AccessLog::rotate() {
  const auto numbered = [&](std::uint64_t n) { return fmt::format("{}.{}", file_.string(), n); };
  fd_.reset();
  if (files_max_ <= 1) {
    (void)::unlink(file_.c_str());  // the next open() says what is wrong, if it could not go
    return;
  }
  for (std::uint64_t n = files_max_ - 1; n > 1; --n) {
    (void)::rename(numbered(n - 1).c_str(), numbered(n).c_str());  // there may be fewer as yet
  }
  if (::rename(file_.c_str(), numbered(1).c_str()) != 0) {
    log_error("gateway: {}", from_errno(errno, "rotate " + file_.string()).message);
  }
}

}  // namespace ecluse::gateway
