#include "stage_log_files.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>

#include "base/log.h"
#include "base/text.h"
#include "os/fd.h"
#include "os/file.h"

namespace ecluse {

namespace {

/// Stage names are people's words ("check flake8 --max 3"): whatever is no plain letter becomes
/// %XX, so that two stages never share a file and none leaves the folder.
std::string file_name(const std::string& stage) {
  std::string name;
  for (const char c : stage) {
    const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                       c == '-' || c == '_';
    name += plain ? std::string(1, c) : fmt::format("%{:02x}", static_cast<unsigned char>(c));
  }
  constexpr std::size_t kNameBytesMax = 200;
  return name.substr(0, kNameBytesMax) + ".log";
}

struct RolloutParts {
  model::EnvironmentKey environment;
  std::string number;
};

/// "lettings/prod@12"
Result<RolloutParts> parts_of(const std::string& rollout) {
  const auto at = rollout.find('@');
  const auto key = model::parse_environment_key(rollout.substr(0, at));
  const auto number = at == std::string::npos ? "" : rollout.substr(at + 1);
  const bool digits =
      !number.empty() && number.find_first_not_of("0123456789") == std::string::npos;
  if (!key || !digits) {
    return fail(ErrorKind::kInvalid, fmt::format("\"{}\" names no rollout", printable(rollout)),
                "as lettings/prod@12");
  }
  return RolloutParts{*key, number};
}

std::filesystem::path folder_of(const std::filesystem::path& root, const RolloutParts& parts) {
  return root / parts.environment.app / parts.environment.environment / parts.number;
}

}  // namespace

StageLogFiles::StageLogFiles(std::filesystem::path folder, StageLogBounds bounds)
    : folder_(std::move(folder)), bounds_(bounds) {}

void StageLogFiles::append(const std::string& rollout, const std::string& stage,
                           std::string_view line) {
  const std::lock_guard guard(writing_);
  const auto parts = parts_of(rollout);
  auto written = !parts ? Result<void>(fail(parts.error()))
                        : write_line(folder_of(folder_, *parts) / file_name(stage), line);
  if (!written && !complained_) log_error("a stage's log is not kept: {}", written.error().message);
  complained_ = !written;
  written_.notify_all();
}

Result<void> StageLogFiles::write_line(const std::filesystem::path& file, std::string_view line) {
  if (!std::filesystem::exists(file.parent_path())) {
    ECLUSE_TRY(os::make_folder(file.parent_path(), 0700));
    forget_old(file.parent_path().parent_path());
  }
  const os::Fd fd(open(file.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600));
  if (!fd) return fail(from_errno(errno, "open " + file.string()));
  struct stat info{};
  if (fstat(fd.get(), &info) != 0) return fail(from_errno(errno, file.string()));
  const auto bytes = static_cast<std::uint64_t>(info.st_size);
  if (bytes >= bounds_.file_bytes_max) return {};
  const bool last = bytes + line.size() + 1 >= bounds_.file_bytes_max;
  ECLUSE_TRY(os::write_all(fd.get(), std::string(line) + "\n"));
  return last ? os::write_all(fd.get(), "[the rest is dropped: the log is full]\n")
              : Result<void>();
}

void StageLogFiles::forget_old(const std::filesystem::path& environment) {
  std::vector<std::uint64_t> numbers;
  std::error_code code;
  for (const auto& entry : std::filesystem::directory_iterator(environment, code)) {
    numbers.push_back(std::strtoull(entry.path().filename().c_str(), nullptr, 10));
  }
  std::sort(numbers.begin(), numbers.end());
  while (numbers.size() > bounds_.rollouts_kept_max) {
    std::filesystem::remove_all(environment / fmt::format("{}", numbers.front()), code);
    numbers.erase(numbers.begin());
  }
}

Result<ports::LogChunk> StageLogFiles::read(const std::string& rollout, const std::string& stage,
                                            std::uint64_t from_offset, Duration wait) {
  std::unique_lock guard(writing_);
  const auto deadline = std::chrono::steady_clock::now() + wait;
  for (;;) {
    auto chunk = read_now(rollout, stage, from_offset);
    if (!chunk || !chunk->text.empty()) return chunk;
    if (written_.wait_until(guard, deadline) == std::cv_status::timeout) return chunk;
  }
}

Result<ports::LogChunk> StageLogFiles::read_now(const std::string& rollout,
                                                const std::string& stage,
                                                std::uint64_t from_offset) const {
  ECLUSE_ASSIGN(const auto parts, parts_of(rollout));
  const auto file = folder_of(folder_, parts) / file_name(stage);
  const os::Fd fd(open(file.c_str(), O_RDONLY | O_CLOEXEC));
  if (!fd) {
    return fail(ErrorKind::kNotFound,
                fmt::format("stage \"{}\" of {} wrote nothing", printable(stage), rollout),
                fmt::format("`ecluse rollout {}` shows the stages", rollout));
  }
  ports::LogChunk chunk{"", from_offset};
  std::array<char, 64 << 10> buffer;
  while (chunk.text.size() < bounds_.chunk_bytes_max) {
    const ssize_t got =
        pread(fd.get(), buffer.data(), buffer.size(), static_cast<off_t>(chunk.next_offset));
    if (got < 0) return fail(from_errno(errno, "read " + file.string()));
    if (got == 0) break;
    chunk.text.append(buffer.data(), static_cast<std::size_t>(got));
    chunk.next_offset += static_cast<std::uint64_t>(got);
  }
  return chunk;
}

}  // namespace ecluse
