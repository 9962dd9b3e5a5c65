#include "runtime/process/log_reader.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <cstdlib>
#include <vector>

#include "os/fd.h"

namespace ecluse::runtime {

namespace {
constexpr std::uint64_t kChunkBytesMax = 1 << 20;

struct Piece {
  std::filesystem::path path;
  std::uint64_t begin = 0;
  std::uint64_t end = 0;
};

/// In the order of the stream; a file is named after the offset of its first byte.
std::vector<Piece> pieces_in(const std::filesystem::path& folder) {
  std::vector<Piece> pieces;
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator(folder, error)) {
    const auto begin = std::strtoull(entry.path().filename().c_str(), nullptr, 10);
    std::error_code gone;
    const auto size = entry.file_size(gone);  // rotation may have just removed it
    if (!gone) pieces.push_back({entry.path(), begin, begin + size});
  }
  std::sort(pieces.begin(), pieces.end(),
            [](const Piece& a, const Piece& b) { return a.begin < b.begin; });
  return pieces;
}

Result<std::string> read_range(const std::filesystem::path& path, std::uint64_t from,
                               std::uint64_t bytes) {
  const os::Fd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!fd && errno == ENOENT) return std::string();  // rotated away since it was listed
  if (!fd) return fail(from_errno(errno, "open " + path.string()));
  std::string text(static_cast<std::size_t>(bytes), '\0');
  const ssize_t n = ::pread(fd.get(), text.data(), text.size(), static_cast<off_t>(from));
  if (n < 0) return fail(from_errno(errno, "read " + path.string()));
  text.resize(static_cast<std::size_t>(n));
  return text;
}

Result<ports::LogChunk> read_from(const std::vector<Piece>& pieces, std::uint64_t offset) {
  ports::LogChunk chunk{{}, offset};
  for (const Piece& piece : pieces) {
    if (piece.end <= chunk.next_offset) continue;
    chunk.next_offset = std::max(chunk.next_offset, piece.begin);
    const std::uint64_t room = kChunkBytesMax - chunk.text.size();
    const std::uint64_t bytes = std::min(room, piece.end - chunk.next_offset);
    ECLUSE_ASSIGN(const std::string text,
                  read_range(piece.path, chunk.next_offset - piece.begin, bytes));
    chunk.text += text;
    chunk.next_offset += text.size();
    if (chunk.text.size() >= kChunkBytesMax) break;
  }
  return chunk;
}

/// Where the last `lines` of `text` begin.
std::size_t begin_of_last(const std::string& text, std::size_t lines) {
  std::size_t at = text.size();
  if (at > 0 && text[at - 1] == '\n') --at;
  for (; lines > 0; --lines) {
    const std::size_t end = at == 0 ? std::string::npos : text.rfind('\n', at - 1);
    if (end == std::string::npos) return 0;
    at = end;
  }
  return at + 1;
}
}  // namespace

Result<ports::LogChunk> read_log_from(const std::filesystem::path& folder, std::uint64_t offset) {
  return read_from(pieces_in(folder), offset);
}

namespace {
/// What stands before the first line's end belongs to a line whose beginning is not here.
void drop_half_a_line(std::string& text) {
  const std::size_t end = text.find_first_of("\r\n");
  text.erase(0, end == std::string::npos ? text.size() : end + 1);
}

Result<ports::LogChunk> read_now(const std::filesystem::path& folder,
                                 const ports::LogQuery& query) {
  const auto pieces = pieces_in(folder);
  if (pieces.empty()) return ports::LogChunk{{}, query.from_offset};
  if (query.from_offset > 0) return read_from(pieces, query.from_offset);
  const std::uint64_t end = pieces.back().end;
  const std::uint64_t kept = end - pieces.front().begin;
  ECLUSE_ASSIGN(ports::LogChunk tail, read_from(pieces, end - std::min(kept, kChunkBytesMax)));
  if (kept > kChunkBytesMax) drop_half_a_line(tail.text);  // files begin with a line, this may not
  tail.text.erase(0, begin_of_last(tail.text, query.lines_max));
  return tail;
}

/// Until a file of `folder` grows or comes; at most `wait`.
Result<void> await_change(const os::Fd& watch, Duration wait) {
  pollfd polled{watch.get(), POLLIN, 0};
  if (::poll(&polled, 1, static_cast<int>(wait.count())) < 0 && errno != EINTR) {
    return fail(from_errno(errno, "waiting for a log to grow"));
  }
  std::array<char, 4096> changes{};  // what they are is not asked; they must not be told again
  while (::read(watch.get(), changes.data(), changes.size()) > 0) {
  }
  return {};
}
}  // namespace

Result<ports::LogChunk> read_log(const std::filesystem::path& folder,
                                 const ports::LogQuery& query) {
  if (query.wait <= Duration::zero()) return read_now(folder, query);
  // The watch first: what is written between a look and the wait must end the wait.
  const os::Fd watch(::inotify_init1(IN_CLOEXEC | IN_NONBLOCK));
  if (!watch || ::inotify_add_watch(watch.get(), folder.c_str(), IN_MODIFY | IN_CREATE) < 0) {
    return fail(from_errno(errno, "watch " + folder.string()));
  }
  const auto deadline = std::chrono::steady_clock::now() + query.wait;
  for (;;) {
    ECLUSE_ASSIGN(auto chunk, read_now(folder, query));
    const auto left = std::chrono::ceil<Duration>(deadline - std::chrono::steady_clock::now());
    if (!chunk.text.empty() || left <= Duration::zero()) return chunk;
    ECLUSE_TRY(await_change(watch, left));
  }
}

}  // namespace ecluse::runtime
