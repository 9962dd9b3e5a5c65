#include "api/http.h"

#include <fmt/format.h>
#include <poll.h>
#include <sys/socket.h>

#include <boost/asio/buffer.hpp>
#include <boost/asio/write.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http.hpp>
#include <cerrno>

#include "base/text.h"

namespace ecluse::api {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = boost::beast::http;
using Clock = std::chrono::steady_clock;

namespace {

constexpr std::size_t kPathSegmentsMax = 12;
constexpr std::size_t kQueryFieldsMax = 16;
constexpr std::size_t kTargetBytesMax = 4096;

int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

Result<std::string> percent_decoded(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '%') {
      out += text[i];
      continue;
    }
    const int high = i + 2 < text.size() ? hex_digit(text[i + 1]) : -1;
    const int low = i + 2 < text.size() ? hex_digit(text[i + 2]) : -1;
    if (high < 0 || low < 0) return fail(ErrorKind::kInvalid, "a bad %-escape in the target");
    out += static_cast<char>(high * 16 + low);
    i += 2;
  }
  if (out.find('\0') != std::string::npos || !is_valid_utf8(out)) {
    return fail(ErrorKind::kInvalid, "the target holds bytes that are not text");
  }
  return out;
}

Result<void> parse_path(std::string_view path, HttpRequest& into) {
  const auto parts = split(path.substr(1), '/');
  if (parts.size() > kPathSegmentsMax) {
    return fail(ErrorKind::kInvalid, fmt::format("more than {} path segments", kPathSegmentsMax));
  }
  for (const auto& part : parts) {
    ECLUSE_ASSIGN(auto segment, percent_decoded(part));
    if (segment.empty() || segment == "." || segment == "..") {
      return fail(ErrorKind::kInvalid, "empty, \".\" and \"..\" are no path segments here");
    }
    into.path.push_back(std::move(segment));
  }
  return {};
}

Result<void> parse_query(std::string_view query, HttpRequest& into) {
  if (query.empty()) return {};
  const auto fields = split(query, '&');
  if (fields.size() > kQueryFieldsMax) {
    return fail(ErrorKind::kInvalid, fmt::format("more than {} query fields", kQueryFieldsMax));
  }
  for (const auto& field : fields) {
    const auto equals = field.find('=');
    ECLUSE_ASSIGN(auto name, percent_decoded(field.substr(0, equals)));
    ECLUSE_ASSIGN(auto value,
                  percent_decoded(equals == std::string::npos ? "" : field.substr(equals + 1)));
    if (!into.query.emplace(name, value).second) {
      return fail(ErrorKind::kInvalid, fmt::format("query field \"{}\" is given twice", name));
    }
  }
  return {};
}

Error peer_error(const beast::error_code& code, const HttpBounds& bounds) {
  if (code == http::error::body_limit) {
    return {ErrorKind::kExhausted,
            fmt::format("the body is larger than {} bytes", bounds.body_bytes_max), ""};
  }
  if (code == http::error::header_limit) {
    return {ErrorKind::kExhausted,
            fmt::format("the headers are larger than {} bytes", bounds.header_bytes_max), ""};
  }
  return {ErrorKind::kInvalid, fmt::format("not an HTTP/1.1 request: {}", code.message()), ""};
}

}  // namespace

int status_of(ErrorKind kind) {
  switch (kind) {
    case ErrorKind::kInvalid:
      return 400;
    case ErrorKind::kNotFound:
      return 404;
    case ErrorKind::kConflict:
      return 409;
    case ErrorKind::kRefused:
      return 403;
    case ErrorKind::kUnavailable:
      return 503;
    case ErrorKind::kTimeout:
      return 504;
    case ErrorKind::kExhausted:
      return 507;
    case ErrorKind::kInternal:
      return 500;
  }
  return 500;
}

Result<void> parse_target(std::string_view target, HttpRequest& into) {
  if (target.empty() || target.front() != '/' || target.size() > kTargetBytesMax) {
    return fail(ErrorKind::kInvalid, "the request target must be a path like /v1/environments");
  }
  const auto question = target.find('?');
  ECLUSE_TRY(parse_path(target.substr(0, question), into));
  if (question == std::string_view::npos) return {};
  return parse_query(target.substr(question + 1), into);
}

std::string percent_encoded(std::string_view text) {
  std::string out;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                       c == '-' || c == '_' || c == '.' || c == '~';
    out += plain ? std::string(1, c) : fmt::format("%{:02X}", byte);
  }
  return out;
}

/// The socket as Beast wants it: synchronous reads and writes, each of which also ends at the
/// deadline or when we stop. (Asio's own blocking sockets know neither.)
class HttpConnection::Stream {
 public:
  Stream(os::Fd socket, int stop_fd) : socket_(std::move(socket)), stop_fd_(stop_fd) {}

  void set_deadline(std::chrono::milliseconds after) { deadline_ = Clock::now() + after; }
  int fd() const { return socket_.get(); }

  /// False at the deadline or, for reading, when we stop: an answer is still written to its end.
  bool wait_for(short events) {
    const int stop_fd = events == POLLIN ? stop_fd_ : -1;
    pollfd waits[2] = {{socket_.get(), events, 0}, {stop_fd, POLLIN, 0}};
    while (true) {
      const auto left =
          std::chrono::duration_cast<std::chrono::milliseconds>(deadline_ - Clock::now()).count();
      if (left <= 0) return false;
      const int ready = poll(waits, 2, static_cast<int>(left));
      if (ready < 0 && errno == EINTR) continue;
      return ready > 0 && waits[1].revents == 0;
    }
  }

  template <typename Buffers>
  std::size_t read_some(const Buffers& buffers, beast::error_code& code) {
    const asio::mutable_buffer buffer = *asio::buffer_sequence_begin(buffers);
    return transfer(POLLIN, code, [&] {
      return recv(socket_.get(), buffer.data(), buffer.size(), MSG_DONTWAIT);
    });
  }
  template <typename Buffers>
  std::size_t write_some(const Buffers& buffers, beast::error_code& code) {
    for (auto at = asio::buffer_sequence_begin(buffers); at != asio::buffer_sequence_end(buffers);
         ++at) {
      const asio::const_buffer buffer = *at;
      if (buffer.size() == 0) continue;
      return transfer(POLLOUT, code, [&] {
        return send(socket_.get(), buffer.data(), buffer.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
      });
    }
    return 0;
  }
  template <typename Buffers>
  std::size_t read_some(const Buffers& buffers) {
    return thrown([&](auto& code) { return read_some(buffers, code); });
  }
  template <typename Buffers>
  std::size_t write_some(const Buffers& buffers) {
    return thrown([&](auto& code) { return write_some(buffers, code); });
  }

  beast::flat_buffer unread;

 private:
  template <typename Call>
  std::size_t transfer(short events, beast::error_code& code, Call call) {
    code = {};
    while (true) {
      if (!wait_for(events)) {
        code = beast::error_code(ETIMEDOUT, boost::system::system_category());
        return 0;
      }
      const ssize_t done = call();
      if (done > 0) return static_cast<std::size_t>(done);
      if (done == 0) {
        code = asio::error::eof;
        return 0;
      }
      if (errno == EAGAIN || errno == EINTR) continue;
      code = beast::error_code(errno, boost::system::system_category());
      return 0;
    }
  }
  template <typename Call>
  std::size_t thrown(Call call) {
    beast::error_code code;
    const std::size_t done = call(code);
    if (code) throw beast::system_error(code);
    return done;
  }

  os::Fd socket_;
  int stop_fd_;
  Clock::time_point deadline_;
};

HttpConnection::HttpConnection(os::Fd socket, int stop_fd, const HttpBounds& bounds)
    : stream_(std::make_unique<Stream>(std::move(socket), stop_fd)), bounds_(bounds) {}
HttpConnection::~HttpConnection() = default;

Result<std::optional<HttpRequest>> HttpConnection::next() {
  stream_->set_deadline(bounds_.idle_max);
  if (stream_->unread.size() == 0 && !stream_->wait_for(POLLIN)) return std::nullopt;

  stream_->set_deadline(bounds_.message_max);
  http::request_parser<http::string_body> parser;
  parser.header_limit(static_cast<std::uint32_t>(bounds_.header_bytes_max));
  parser.body_limit(bounds_.body_bytes_max);
  beast::error_code code;
  http::read(*stream_, stream_->unread, parser, code);
  if (code == http::error::end_of_stream) return std::nullopt;
  if (code && code.category() == boost::system::system_category()) return std::nullopt;
  if (code) return fail(peer_error(code, bounds_));

  auto& message = parser.get();
  HttpRequest request;
  request.method = std::string(message.method_string());
  request.keep_alive = message.keep_alive();
  request.authorization = std::string(message[http::field::authorization]);
  request.accept = std::string(message[http::field::accept]);
  request.content_type = std::string(message[http::field::content_type]);
  const auto target = message.target();
  ECLUSE_TRY(parse_target({target.data(), target.size()}, request));
  request.body = std::move(message.body());
  return request;
}

Result<void> HttpConnection::answer(const HttpAnswer& answer, bool keep_alive) {
  http::response<http::string_body> message;
  message.version(11);
  message.result(static_cast<unsigned>(answer.status));
  message.set(http::field::content_type, answer.content_type);
  message.set(http::field::cache_control, "no-store");
  if (!answer.allow.empty()) message.set(http::field::allow, join(answer.allow, ", "));
  message.keep_alive(keep_alive);
  message.body() = answer.body + "\n";
  message.prepare_payload();
  stream_->set_deadline(bounds_.message_max);
  beast::error_code code;
  http::write(*stream_, message, code);
  if (code) return fail(ErrorKind::kUnavailable, fmt::format("answering: {}", code.message()));
  return {};
}

Result<void> HttpConnection::begin_lines() {
  http::response<http::empty_body> message;
  message.version(11);
  message.result(http::status::ok);
  message.set(http::field::content_type, "application/x-ndjson");
  message.set(http::field::cache_control, "no-store");
  message.chunked(true);
  http::response_serializer<http::empty_body> serializer(message);
  stream_->set_deadline(bounds_.message_max);
  beast::error_code code;
  http::write_header(*stream_, serializer, code);
  if (code) return fail(ErrorKind::kUnavailable, fmt::format("answering: {}", code.message()));
  return {};
}

namespace {
template <typename Stream, typename Chunk>
Result<void> write_chunk(Stream& stream, const Chunk& chunk) {
  beast::error_code code;
  asio::write(stream, chunk, code);
  if (code) return fail(ErrorKind::kUnavailable, fmt::format("answering: {}", code.message()));
  return {};
}
}  // namespace

Result<void> HttpConnection::line(std::string_view json) {
  const std::string text = std::string(json) + "\n";
  stream_->set_deadline(bounds_.message_max);
  return write_chunk(*stream_, http::make_chunk(asio::buffer(text)));
}

Result<void> HttpConnection::end_lines() {
  return write_chunk(*stream_, http::make_chunk_last());
}

bool HttpConnection::peer_is_gone() const {
  return await_peer_gone(std::chrono::milliseconds::zero());
}

bool HttpConnection::await_peer_gone(std::chrono::milliseconds wait) const {
  pollfd polled{stream_->fd(), POLLRDHUP, 0};
  if (poll(&polled, 1, static_cast<int>(wait.count())) <= 0) return false;
  return (polled.revents & (POLLRDHUP | POLLHUP | POLLERR)) != 0;
}

}  // namespace ecluse::api
