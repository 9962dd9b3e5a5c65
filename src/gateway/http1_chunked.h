#pragma once
// The chunked transfer coding (RFC 9112 section 7.1), decoded strictly and in place. Extensions and
// trailers are read by their grammar and dropped.

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include "gateway/http1_head.h"

namespace ecluse::gateway::http1 {

struct ChunkBounds {
  std::size_t line_bytes_max = 256;      ///< a size with its extensions
  std::size_t trailer_bytes_max = 8192;  ///< all trailer lines together
};

class ChunkedDecoder {
 public:
  struct Progress {
    std::size_t consumed = 0;  ///< bytes of the input that were read
    std::size_t produced = 0;  ///< body bytes, moved to the front of the input
  };
  /// Reads as far as it can. Stops at the end of the body, leaving what follows untouched.
  Progress decode(std::span<char> bytes, const ChunkBounds& bounds);

  bool done() const { return state_ == State::kDone; }
  Fault fault() const { return fault_; }
  void reset() { *this = ChunkedDecoder(); }

 private:
  enum class State : std::uint8_t {
    kSize,
    kSpace,  ///< before the semicolon of an extension
    kExtension,
    kExtensionName,
    kExtensionSpace,  ///< between a name and what follows it
    kExtensionValue,
    kExtensionToken,
    kExtensionQuoted,
    kExtensionEscaped,
    kExtensionUnquoted,
    kSizeLf,
    kData,
    kDataCr,
    kDataLf,
    kTrailerStart,
    kTrailerName,
    kTrailerValue,
    kTrailerLf,
    kEndLf,
    kDone,
    kFault,
  };
  void take(char c, const ChunkBounds& bounds);
  void take_size(char c);
  void take_extension(char c);
  void take_quoted(char c);
  void end_item(char c);
  void end_size_line();
  void take_trailer_start(char c);
  void refuse();
  void expect(char c, char wanted, State next);
  void expect_value_char(char c);

  State state_ = State::kSize;
  Fault fault_ = Fault::kNone;
  std::uint8_t digits_ = 0;
  std::uint32_t line_bytes_ = 0;
  std::uint64_t left_ = 0;  ///< of the chunk's size while reading it, then of its data
};

/// Writes "size CRLF" to `out`, which has room for 18 bytes; returns the bytes written.
std::size_t write_chunk_size(std::uint64_t size, char* out);

}  // namespace ecluse::gateway::http1
