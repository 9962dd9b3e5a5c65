#pragma once
// Heads of HTTP/1 messages, read strictly (RFC 9112), for requests and answers alike. Two stages:
// HeadScanner finds the end of a head in bytes that arrive in any slices, checking line ends and
// bounds; parse_request() and parse_response() then read the complete head once. Nothing here
// allocates, and the views point into the caller's bytes.

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

namespace ecluse::gateway::http1 {

/// What is wrong with a message; status_of() is what a client hears of it.
enum class Fault : std::uint8_t {
  kNone,
  kMalformed,         ///< 400
  kChunkLineTooLong,  ///< 400
  kBodyTooLarge,      ///< 413
  kTargetTooLong,     ///< 414
  kExpectation,       ///< 417
  kHeadTooLarge,      ///< 431
  kNotImplemented,    ///< 501: a method or a transfer coding
  kVersion,           ///< 505
};
int status_of(Fault fault);

struct HeadBounds {
  std::size_t start_line_bytes_max = 8192;
  std::size_t head_bytes_max = 16384;
  std::size_t fields_max = 100;
};
/// Before a request line; old clients send one after a body (RFC 9112 section 2.2).
inline constexpr std::size_t kEmptyLinesMax = 4;
/// The room Request and Response have for fields; HeadBounds::fields_max may not exceed it.
inline constexpr std::size_t kFieldsRoom = 128;

enum class HeadKind : std::uint8_t { kRequest, kResponse };

/// Finds the end of one head. Call scan() with all bytes received since the head began, each time
/// more have come; the verdict depends on the bytes alone, never on how they were sliced.
class HeadScanner {
 public:
  enum class State : std::uint8_t { kMore, kComplete, kFault };

  explicit HeadScanner(HeadKind kind = HeadKind::kRequest) : kind_(kind) {}
  State scan(std::string_view bytes, const HeadBounds& bounds);
  /// After kComplete: where the head lies in the bytes; end includes the empty line.
  std::size_t head_begin() const { return begin_; }
  std::size_t head_end() const { return line_; }
  Fault fault() const { return fault_; }
  void reset() { *this = HeadScanner(kind_); }

 private:
  State fail_with(Fault fault);
  bool may_skip_more() const;
  void skip_empty_lines(std::string_view bytes);
  bool first_byte_is_plausible(std::string_view bytes) const;
  State take_line(std::string_view line);

  HeadKind kind_;
  bool is_complete_ = false;
  Fault fault_ = Fault::kNone;
  std::uint16_t lines_ = 0;
  std::uint32_t begin_ = 0;  ///< after ignored empty lines
  std::uint32_t line_ = 0;   ///< where the current line begins
  std::uint32_t seen_ = 0;   ///< bytes already searched for the end of the line
};

/// The fields the gateway itself acts on.
enum class FieldId : std::uint8_t {
  kOther,
  kConnection,
  kKeepAlive,
  kProxyConnection,
  kTe,
  kTrailer,
  kUpgrade,
  kHttp2Settings,
  kHost,
  kContentLength,
  kTransferEncoding,
  kExpect,
  kVia,
  kDate,
  kCookie,
  kAuthorization,
  kCacheControl,
  kForwarded,   ///< Forwarded, X-Forwarded-*, X-Real-IP: only we may say them
  kRequestId,   ///< X-Request-ID
  kProxy,       ///< becomes HTTP_PROXY in CGI and WSGI (CVE-2016-5385)
  kOverride,    ///< X-Ecluse-Override
  kRelease,     ///< X-Ecluse-Release
  kUnderscore,  ///< a name with `_`, which WSGI cannot tell from `-`
};

struct Field {
  std::string_view name;
  std::string_view value;
  FieldId id = FieldId::kOther;
};

struct Fields {
  std::array<Field, kFieldsRoom> slots;
  std::size_t count = 0;
  auto begin() const { return slots.begin(); }
  auto end() const { return slots.begin() + static_cast<std::ptrdiff_t>(count); }
  /// The first one of this id, or an empty view.
  std::string_view value_of(FieldId id) const;
};

/// The names listed by Connection, which are not forwarded.
struct ConnectionOptions {
  std::array<std::string_view, 16> names;
  std::size_t count = 0;
  bool close = false;
  bool keep_alive = false;
  bool upgrade = false;
  bool lists(std::string_view name) const;
};

enum class BodyKind : std::uint8_t { kNone, kLength, kChunked, kUntilClose };
struct Framing {
  BodyKind kind = BodyKind::kNone;
  std::uint64_t length = 0;
};

struct Request {
  std::string_view method;
  std::string_view authority;  ///< host[:port], from the absolute form or Host; valid
  std::string_view host;       ///< without the port, as received
  /// Origin form as to be forwarded. After "http://host?q" the slash is missing: see needs_slash.
  std::string_view target;
  bool needs_slash = false;
  bool names_https = false;  ///< absolute form of https: only for a secured connection
  int version_minor = 1;
  Fields fields;
  ConnectionOptions connection;
  Framing framing;
  bool keep_alive = false;
  bool expects_continue = false;
  bool wants_websocket = false;
  bool is_head() const { return method == "HEAD"; }
  /// RFC 9110 section 9.2.2: repeating it does no harm.
  bool is_idempotent() const;
};

struct Response {
  int status = 0;
  std::string_view reason;
  int version_minor = 1;
  Fields fields;
  ConnectionOptions connection;
  Framing framing;
  Framing declared;  ///< as the fields say, also where there is no body (HEAD, 304)
  bool keep_alive = false;
  bool switches_to_websocket = false;
  /// 204 with a body's framing: there is no body, but the connection cannot be trusted after it.
  bool has_useless_framing = false;
};

/// `head` is complete, as HeadScanner found it. The first fault found is returned.
Fault parse_request(std::string_view head, Request& request);
/// Any fault of an answer is a 502 for the client. `to_head`: the request was HEAD.
Fault parse_response(std::string_view head, bool to_head, Response& response);

/// One field line without its line end. Strict: a token, a colon at once, a clean value.
Fault parse_field(std::string_view line, Field& field);
/// host[:port] of RFC 3986 without userinfo; `host` becomes the part before the port.
bool is_valid_authority(std::string_view authority, std::string_view& host);
/// A valid authority in its plain form: "a:" means the default port, as "a" does (RFC 3986 section
/// 6.2.3).
std::string_view without_empty_port(std::string_view authority);

/// Whether a field may be forwarded as it is: not framing, not of one hop, not ours to say.
bool may_reach_app(const Field& field, const ConnectionOptions& connection);
bool may_reach_client(const Field& field, const ConnectionOptions& connection);

}  // namespace ecluse::gateway::http1
