#pragma once
// Heads between HTTP/2 and HTTP/1. A request that came as HTTP/2 fields is written as the HTTP/1
// text that our strict parser reads, and what HTTP/1 cannot say safely is refused here (RFC 9113
// section 8.2, 8.3 and 10.3). An answer's text becomes fields. Pure: no connection, no clock.

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "gateway/http1_head.h"

namespace ecluse::gateway::http2 {

enum class Verdict : std::uint8_t {
  kGood,
  kMalformed,       ///< a stream error: RFC 9113 section 8.1.1
  kTooLarge,        ///< 431
  kTargetTooLong,   ///< 414
  kNotImplemented,  ///< 501: a protocol other than WebSocket
};

/// Collects the fields of one request. Bounded by HeadBounds whatever the peer sends.
class RequestHead {
 public:
  explicit RequestHead(const http1::HeadBounds& bounds) : bounds_(bounds) {}

  /// In the order they came; names as they came. After a bad one the rest is only counted.
  void add(std::string_view name, std::string_view value);
  /// Only counted: a trailer, which nobody gets.
  void pass_over(std::string_view name, std::string_view value);
  /// All fields are here. `ends`: no body follows. The request's text, or why there is none;
  /// `websocket_key` is what a WebSocket's handshake with the app is to hold (base64 of 16 bytes).
  Verdict finish(bool ends, std::string_view websocket_key, std::string& text) const;
  bool wants_websocket() const { return !protocol_.empty(); }
  /// Of the body, as announced; none: unknown. That it is true is nghttp2's to see.
  std::optional<std::uint64_t> length() const { return length_; }
  /// Bytes of names and values so far, including those that were not kept.
  std::size_t bytes() const { return bytes_; }

 private:
  void add_pseudo(std::string_view name, std::string_view value);
  void add_regular(std::string_view name, std::string_view value);
  void refuse() { verdict_ = Verdict::kMalformed; }
  bool has_target() const;
  void write_websocket(std::string_view key, std::string& text) const;

  http1::HeadBounds bounds_;
  std::size_t bytes_ = 0;
  std::size_t count_ = 0;
  std::string method_;
  std::string scheme_;
  std::string authority_;
  std::string path_;
  std::string protocol_;
  std::string host_;
  std::string cookie_;
  std::string fields_;  ///< "name: value\r\n" each
  bool has_authority_ = false;
  bool has_host_ = false;
  bool has_length_ = false;
  std::optional<std::uint64_t> length_;
  bool is_past_pseudo_ = false;
  Verdict verdict_ = Verdict::kGood;
};

struct AnswerField {
  std::string_view name;  ///< lower case
  std::string_view value;
};
struct AnswerHead {
  int status = 0;
  std::string_view status_text;
  std::string_view websocket_accept;  ///< of a 101
  std::vector<AnswerField> fields;    ///< without those of one hop
};
/// Reads a head of ours ("HTTP/1.1 200 OK\r\n...\r\n\r\n"), whose names it turns to lower case in
/// place. `head` is reused, so that a connection allocates no field list an answer.
void read_answer_head(std::span<char> text, AnswerHead& head);

}  // namespace ecluse::gateway::http2
