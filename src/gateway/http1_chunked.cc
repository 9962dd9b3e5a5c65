#include "gateway/http1_chunked.h"

#include <algorithm>
#include <charconv>
#include <cstring>

#include "gateway/http1_chars.h"

namespace ecluse::gateway::http1 {

namespace {
// 15 digits stay below 2^60, so that no sum of ours can overflow.
constexpr std::uint8_t kDigitsMax = 15;

int hex_digit(char c) {
  if (is_digit(c)) return c - '0';
  const char lower = to_lower(c);
  return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
}
bool is_space(char c) {
  return c == ' ' || c == '\t';
}
}  // namespace

ChunkedDecoder::Progress ChunkedDecoder::decode(std::span<char> bytes, const ChunkBounds& bounds) {
  Progress progress;
  while (progress.consumed < bytes.size() && state_ != State::kDone && state_ != State::kFault) {
    if (state_ != State::kData) {
      take(bytes[progress.consumed++], bounds);
      continue;
    }
    const std::size_t n = std::min<std::uint64_t>(left_, bytes.size() - progress.consumed);
    if (progress.produced != progress.consumed) {
      std::memmove(&bytes[progress.produced], &bytes[progress.consumed], n);
    }
    progress.produced += n;
    progress.consumed += n;
    left_ -= n;
    if (left_ == 0) state_ = State::kDataCr;
  }
  return progress;
}

void ChunkedDecoder::take(char c, const ChunkBounds& bounds) {
  const bool in_trailer = state_ >= State::kTrailerStart;
  if (++line_bytes_ > (in_trailer ? bounds.trailer_bytes_max : bounds.line_bytes_max)) {
    state_ = State::kFault;
    fault_ = in_trailer ? Fault::kHeadTooLarge : Fault::kChunkLineTooLong;
    return;
  }
  switch (state_) {
    case State::kSize:
      return take_size(c);
    case State::kSpace:
      if (!is_space(c)) expect(c, ';', State::kExtension);
      return;
    case State::kExtension:
      if (c == '\r') {
        state_ = State::kSizeLf;
      } else {
        expect_value_char(c);
      }
      return;
    case State::kSizeLf:
      expect(c, '\n', State::kData);
      if (state_ == State::kData) end_size_line();
      return;
    case State::kDataCr:
      return expect(c, '\r', State::kDataLf);
    case State::kDataLf:
      expect(c, '\n', State::kSize);
      line_bytes_ = 0;
      return;
    case State::kTrailerStart:
      return take_trailer_start(c);
    case State::kTrailerName:
      if (c == ':') {
        state_ = State::kTrailerValue;
      } else if (!kTokenChars[static_cast<unsigned char>(c)]) {
        expect(c, ':', State::kTrailerValue);
      }
      return;
    case State::kTrailerValue:
      if (c == '\r') {
        state_ = State::kTrailerLf;
      } else {
        expect_value_char(c);
      }
      return;
    case State::kTrailerLf:
      return expect(c, '\n', State::kTrailerStart);
    case State::kEndLf:
      return expect(c, '\n', State::kDone);
    case State::kData:
    case State::kDone:
    case State::kFault:
      return;
  }
}

void ChunkedDecoder::take_size(char c) {
  const int digit = hex_digit(c);
  if (digit >= 0 && digits_ < kDigitsMax) {
    left_ = left_ * 16 + static_cast<std::uint64_t>(digit);
    ++digits_;
  } else if (digits_ == 0 || digit >= 0) {
    state_ = State::kFault;
    fault_ = Fault::kMalformed;
  } else if (is_space(c)) {
    state_ = State::kSpace;
  } else if (c == ';') {
    state_ = State::kExtension;
  } else {
    expect(c, '\r', State::kSizeLf);
  }
}

void ChunkedDecoder::end_size_line() {
  digits_ = 0;
  line_bytes_ = 0;
  if (left_ == 0) state_ = State::kTrailerStart;
}

void ChunkedDecoder::take_trailer_start(char c) {
  if (c == '\r') {
    state_ = State::kEndLf;
  } else if (kTokenChars[static_cast<unsigned char>(c)]) {
    state_ = State::kTrailerName;
  } else {
    state_ = State::kFault;
    fault_ = Fault::kMalformed;
  }
}

void ChunkedDecoder::expect(char c, char wanted, State next) {
  state_ = c == wanted ? next : State::kFault;
  if (c != wanted) fault_ = Fault::kMalformed;
}

void ChunkedDecoder::expect_value_char(char c) {
  if (kValueChars[static_cast<unsigned char>(c)]) return;
  state_ = State::kFault;
  fault_ = Fault::kMalformed;
}

std::size_t write_chunk_size(std::uint64_t size, char* out) {
  char* const end = std::to_chars(out, out + 16, size, 16).ptr;
  std::memcpy(end, "\r\n", 2);
  return static_cast<std::size_t>(end - out) + 2;
}

}  // namespace ecluse::gateway::http1
