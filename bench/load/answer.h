#pragma once
// Reads one HTTP/1.1 answer as its bytes come in (RFC 9112), strictly enough to tell a whole answer
// from a truncated or garbled one. Knows the few fields the load client looks at.

#include <cstdint>
#include <string>
#include <string_view>

namespace ecluse::load {

class AnswerReader {
 public:
  /// Takes bytes until the answer ends; returns how many were its own. The rest belongs to what
  /// comes next on the connection (after 101: frames).
  std::size_t feed(std::string_view bytes);
  /// The server closed: ends a body that has no length of its own, leaves any other unfinished.
  void end_of_stream();

  bool started() const { return started_; }
  bool done() const { return state_ == State::kDone; }
  bool malformed() const { return state_ == State::kMalformed; }

  int status() const { return status_; }
  bool keep_alive() const { return keep_alive_; }
  std::uint64_t body_bytes() const { return body_bytes_; }
  const std::string& release() const { return release_; }          ///< X-Ecluse-Release
  const std::string& app_release() const { return app_release_; }  ///< X-App-Release
  const std::string& load_id() const { return load_id_; }          ///< X-Load-Id, sent back
  const std::string& accept() const { return accept_; }            ///< Sec-WebSocket-Accept

 private:
  enum class State {
    kHead,
    kLength,
    kUntilClose,
    kChunkSize,
    kChunk,
    kChunkEnd,
    kTrailer,
    kDone,
    kMalformed
  };

  bool take_line(std::string_view bytes, std::size_t& position);
  std::size_t take_body(std::string_view bytes);
  void on_line();
  void on_head_line();
  void on_status_line();
  void on_field(std::string_view name, std::string_view value);
  void on_head_end();
  void on_chunk_size();

  State state_ = State::kHead;
  bool started_ = false;
  std::string line_;
  int status_ = 0;
  bool keep_alive_ = true;
  bool chunked_ = false;
  bool has_length_ = false;
  std::uint64_t left_ = 0;
  std::uint64_t body_bytes_ = 0;
  std::string release_, app_release_, load_id_, accept_;
};

}  // namespace ecluse::load
