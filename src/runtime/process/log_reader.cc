#include "runtime/process/log_reader.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
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

Result<ports::LogChunk> read_log(const std::filesystem::path& folder,
                                 const ports::LogQuery& query) {
  const auto pieces = pieces_in(folder);
  if (pieces.empty()) return ports::LogChunk{};
  if (query.from_offset > 0) return read_from(pieces, query.from_offset);
  const std::uint64_t end = pieces.back().end;
  const std::uint64_t kept = end - pieces.front().begin;
  ECLUSE_ASSIGN(ports::LogChunk tail, read_from(pieces, end - std::min(kept, kChunkBytesMax)));
  tail.text.erase(0, begin_of_last(tail.text, query.lines_max));
  return tail;
}

}  // namespace ecluse::runtime
