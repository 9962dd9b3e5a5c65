#pragma once
// HTTP/1.1 on one accepted connection, blocking, with a deadline for every message and bounds on
// what a peer may send. Boost.Beast does the framing; it never faces the public (docs/api.md).

#include <chrono>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "os/fd.h"

namespace ecluse::api {

struct HttpBounds {
  std::size_t header_bytes_max = 16 << 10;
  std::size_t body_bytes_max = 1 << 20;
  std::chrono::milliseconds idle_max{60'000};     ///< between two requests of a connection
  std::chrono::milliseconds message_max{30'000};  ///< to send or receive one whole message
};

struct HttpRequest {
  std::string method;
  std::vector<std::string> path;  ///< decoded segments: {"v1", "environments", "lettings", "prod"}
  std::map<std::string, std::string> query;
  std::string authorization;
  std::string content_type;
  std::string accept;
  std::string body;
  bool keep_alive = true;
};

struct HttpAnswer {
  int status = 200;
  std::string body;                     ///< JSON; an end of line is added
  std::vector<std::string> allow = {};  ///< methods, with 405
  std::string content_type = "application/json";
};

/// The status that says the same as the kind of an error.
int status_of(ErrorKind kind);

/// Segments and query of a request target. Invalid: not origin-form, a bad escape, an escaped NUL,
/// "." or ".." as a segment, too many parts.
Result<void> parse_target(std::string_view target, HttpRequest& into);
/// Everything but unreserved characters as %XX.
std::string percent_encoded(std::string_view text);

/// Used by one thread. Waiting for a request ends when `stop_fd` becomes readable.
class HttpConnection {
 public:
  HttpConnection(os::Fd socket, int stop_fd, const HttpBounds& bounds);
  ~HttpConnection();
  HttpConnection(const HttpConnection&) = delete;
  HttpConnection& operator=(const HttpConnection&) = delete;

  /// The next request; nothing when the peer closed, fell silent or we stop. An error here is the
  /// peer's fault: answer it, then close.
  Result<std::optional<HttpRequest>> next();
  Result<void> answer(const HttpAnswer& answer, bool keep_alive);

  /// An answer of many lines (application/x-ndjson), one chunk each; then end().
  Result<void> begin_lines();
  Result<void> line(std::string_view json);
  Result<void> end_lines();

  /// The peer closed or reset the connection.
  bool peer_is_gone() const;
  /// Waits at most `wait` for that. May be called beside another thread that answers.
  bool await_peer_gone(std::chrono::milliseconds wait) const;

 private:
  class Stream;
  std::unique_ptr<Stream> stream_;
  HttpBounds bounds_;
};

}  // namespace ecluse::api
