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
bool is_token_char(char c) {
  return kTokenChars[static_cast<unsigned char>(c)];
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
    case State::kExtensionName:
    case State::kExtensionSpace:
    case State::kExtensionValue:
    case State::kExtensionToken:
      return take_extension(c);
    case State::kExtensionQuoted:
    case State::kExtensionEscaped:
      return take_quoted(c);
    case State::kExtensionUnquoted:
      return end_item(c);
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
      if (!is_token_char(c)) expect(c, ':', State::kTrailerValue);
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
    refuse();
  } else {
    end_item(c);
  }
}

/// What may follow the size, or the value of an extension.
void ChunkedDecoder::end_item(char c) {
  if (is_space(c)) {
    state_ = State::kSpace;
  } else if (c == ';') {
    state_ = State::kExtension;
  } else {
    expect(c, '\r', State::kSizeLf);
  }
}

/// *( BWS ";" BWS name [ BWS "=" BWS ( token / quoted-string ) ] ): RFC 9112 section 7.1.1. Nothing
/// of it goes on; but who reads quotes otherwise than we do finds other ends of lines in it.
void ChunkedDecoder::take_extension(char c) {
  const bool is_word = is_token_char(c);
  switch (state_) {
    case State::kExtension:
      if (is_word) state_ = State::kExtensionName;
      if (!is_word && !is_space(c)) refuse();
      return;
    case State::kExtensionName:
      if (is_word) return;
      state_ = c == '\r' ? State::kSizeLf : State::kExtensionSpace;
      if (c == '\r') return;
      [[fallthrough]];
    case State::kExtensionSpace:
      if (is_space(c)) return;
      if (c == ';') return expect(c, ';', State::kExtension);
      return expect(c, '=', State::kExtensionValue);
    case State::kExtensionValue:
      if (is_space(c)) return;
      if (!is_word) return expect(c, '"', State::kExtensionQuoted);
      state_ = State::kExtensionToken;
      return;
    default:
      if (!is_word) end_item(c);
  }
}

void ChunkedDecoder::take_quoted(char c) {
  if (state_ == State::kExtensionEscaped) {
    state_ = State::kExtensionQuoted;
    expect_value_char(c);
  } else if (c == '"') {
    state_ = State::kExtensionUnquoted;
  } else if (c == '\\') {
    state_ = State::kExtensionEscaped;
  } else {
    expect_value_char(c);
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
  } else if (is_token_char(c)) {
    state_ = State::kTrailerName;
  } else {
    refuse();
  }
}

void ChunkedDecoder::refuse() {
  state_ = State::kFault;
  fault_ = Fault::kMalformed;
}

void ChunkedDecoder::expect(char c, char wanted, State next) {
  if (c != wanted) return refuse();
  state_ = next;
}

void ChunkedDecoder::expect_value_char(char c) {
  if (!kValueChars[static_cast<unsigned char>(c)]) refuse();
}

std::size_t write_chunk_size(std::uint64_t size, char* out) {
  char* const end = std::to_chars(out, out + 16, size, 16).ptr;
  std::memcpy(end, "\r\n", 2);
  return static_cast<std::size_t>(end - out) + 2;
}

}  // namespace ecluse::gateway::http1
