#include "answer.h"

#include <algorithm>
#include <charconv>

namespace ecluse::load {
namespace {

constexpr std::size_t kLineBytesMax = 16 * 1024;

std::string lower(std::string_view text) {
  std::string out(text);
  std::transform(out.begin(), out.end(), out.begin(), [](unsigned char c) {
    return static_cast<char>(c >= 'A' && c <= 'Z' ? c + 32 : c);
  });
  return out;
}

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
  return text;
}

template <typename Number>
bool parse_whole(std::string_view text, Number& out, int base = 10) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), out, base);
  return error == std::errc{} && end == text.data() + text.size();
}

}  // namespace

std::size_t AnswerReader::feed(std::string_view bytes) {
  std::size_t position = 0;
  while (position < bytes.size() && !done() && !malformed()) {
    started_ = true;
    const bool in_body =
        state_ == State::kLength || state_ == State::kChunk || state_ == State::kUntilClose;
    if (in_body) {
      position += take_body(bytes.substr(position));
    } else if (take_line(bytes, position)) {
      on_line();
      line_.clear();
    }
  }
  return position;
}

void AnswerReader::end_of_stream() {
  if (state_ == State::kUntilClose) state_ = State::kDone;
}

bool AnswerReader::take_line(std::string_view bytes, std::size_t& position) {
  const std::size_t end = bytes.find('\n', position);
  const std::size_t until = end == std::string_view::npos ? bytes.size() : end;
  line_.append(bytes.substr(position, until - position));
  position = until;
  if (line_.size() > kLineBytesMax) state_ = State::kMalformed;
  if (end == std::string_view::npos || malformed()) return false;
  ++position;
  if (line_.empty() || line_.back() != '\r') {
    state_ = State::kMalformed;
    return false;
  }
  line_.pop_back();
  return true;
}

std::size_t AnswerReader::take_body(std::string_view bytes) {
  const std::size_t taken =
      state_ == State::kUntilClose ? bytes.size() : std::min<std::uint64_t>(left_, bytes.size());
  body_bytes_ += taken;
  if (state_ == State::kUntilClose) return taken;
  left_ -= taken;
  if (left_ == 0) state_ = state_ == State::kChunk ? State::kChunkEnd : State::kDone;
  return taken;
}

void AnswerReader::on_line() {
  switch (state_) {
    case State::kHead:
      return on_head_line();
    case State::kChunkSize:
      return on_chunk_size();
    case State::kChunkEnd:
      state_ = line_.empty() ? State::kChunkSize : State::kMalformed;
      return;
    case State::kTrailer:
      if (line_.empty()) state_ = State::kDone;
      return;
    case State::kLength:
    case State::kUntilClose:
    case State::kChunk:
    case State::kDone:
    case State::kMalformed:
      return;
  }
}

void AnswerReader::on_head_line() {
  if (status_ == 0) return on_status_line();
  if (line_.empty()) return on_head_end();
  const std::size_t colon = line_.find(':');
  if (colon == std::string::npos || colon == 0) {
    state_ = State::kMalformed;
    return;
  }
  const std::string_view line = line_;
  on_field(lower(line.substr(0, colon)), trimmed(line.substr(colon + 1)));
}

void AnswerReader::on_status_line() {
  const std::string_view line = line_;
  const bool is_http = line.starts_with("HTTP/1.1 ") || line.starts_with("HTTP/1.0 ");
  if (!is_http || line.size() < 12 || !parse_whole(line.substr(9, 3), status_) || status_ < 100) {
    state_ = State::kMalformed;
    return;
  }
  keep_alive_ = line[7] == '1';
}

void AnswerReader::on_field(std::string_view name, std::string_view value) {
  if (name == "content-length") {
    has_length_ = true;
    if (!parse_whole(value, left_)) state_ = State::kMalformed;
  } else if (name == "transfer-encoding") {
    chunked_ = lower(value) == "chunked";
    if (!chunked_) state_ = State::kMalformed;
  } else if (name == "connection") {
    const std::string said = lower(value);
    if (said.find("close") != std::string::npos) keep_alive_ = false;
  } else if (name == "x-ecluse-release") {
    release_ = value;
  } else if (name == "x-app-release") {
    app_release_ = value;
  } else if (name == "x-load-id") {
    load_id_ = value;
  } else if (name == "sec-websocket-accept") {
    accept_ = value;
  }
}

void AnswerReader::on_head_end() {
  if (status_ >= 100 && status_ < 200 && status_ != 101) {
    *this = AnswerReader();  // an interim answer: the real one follows
    started_ = true;
    return;
  }
  const bool bodiless = status_ == 101 || status_ == 204 || status_ == 304;
  if (bodiless || (has_length_ && !chunked_ && left_ == 0)) {
    state_ = State::kDone;
  } else if (chunked_) {
    state_ = has_length_ ? State::kMalformed : State::kChunkSize;
  } else if (has_length_) {
    state_ = State::kLength;
  } else {
    keep_alive_ = false;
    state_ = State::kUntilClose;
  }
}

void AnswerReader::on_chunk_size() {
  const std::string_view line = line_;
  const std::string_view size = line.substr(0, line.find(';'));
  if (!parse_whole(trimmed(size), left_, 16)) {
    state_ = State::kMalformed;
  } else {
    state_ = left_ == 0 ? State::kTrailer : State::kChunk;
  }
}

}  // namespace ecluse::load
