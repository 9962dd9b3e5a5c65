#include "gateway/http1_head.h"

#include <algorithm>
#include <cstring>
#include <limits>

#include "gateway/http1_chars.h"

namespace ecluse::gateway::http1 {

namespace {
constexpr std::size_t kMethodBytesMax = 32;
constexpr std::string_view kLineEnd = "\r\n";

std::size_t find(std::string_view bytes, char c, std::size_t from) {
  return from < bytes.size() ? bytes.find(c, from) : std::string_view::npos;
}

/// Where a line, whole or not, first breaks a rule of line ends; npos if it does not.
std::size_t bare_line_end(std::string_view line, bool is_whole) {
  const std::size_t cr = find(line, '\r', 0);
  if (is_whole && cr == std::string_view::npos) return line.size();  // a bare LF ended it
  const bool is_last = cr + 1 == line.size();
  return cr == std::string_view::npos || is_last ? std::string_view::npos : cr;
}

/// The fault of a line, whole or not, whichever comes first in the bytes.
Fault line_fault(std::string_view line, bool is_whole, std::size_t bytes_max, Fault too_long) {
  const std::size_t broken = bare_line_end(line, is_whole);
  if (line.size() > bytes_max && broken >= bytes_max) return too_long;
  return broken == std::string_view::npos ? Fault::kNone : Fault::kMalformed;
}
}  // namespace

int status_of(Fault fault) {
  switch (fault) {
    case Fault::kNone:
      return 200;
    case Fault::kMalformed:
    case Fault::kChunkLineTooLong:
      return 400;
    case Fault::kBodyTooLarge:
      return 413;
    case Fault::kTargetTooLong:
      return 414;
    case Fault::kExpectation:
      return 417;
    case Fault::kHeadTooLarge:
      return 431;
    case Fault::kNotImplemented:
      return 501;
    case Fault::kVersion:
      return 505;
  }
  return 400;
}

HeadScanner::State HeadScanner::fail_with(Fault fault) {
  fault_ = fault;
  return State::kFault;
}

bool HeadScanner::may_skip_more() const {
  return kind_ == HeadKind::kRequest && begin_ < kEmptyLinesMax * kLineEnd.size() &&
         begin_ == line_;
}

void HeadScanner::skip_empty_lines(std::string_view bytes) {
  while (may_skip_more() && bytes.substr(begin_).starts_with(kLineEnd)) {
    begin_ += static_cast<std::uint32_t>(kLineEnd.size());
    line_ = seen_ = begin_;
  }
}

bool HeadScanner::first_byte_is_plausible(std::string_view bytes) const {
  if (bytes.size() <= begin_) return true;
  const char first = bytes[begin_];
  if (kind_ == HeadKind::kResponse) return first == 'H';
  const bool may_be_empty_line = first == '\r' && bytes.size() == begin_ + 1;  // LF may follow
  if (may_be_empty_line && may_skip_more()) return true;
  return kTokenChars[static_cast<unsigned char>(first)];
}

HeadScanner::State HeadScanner::scan(std::string_view bytes, const HeadBounds& bounds) {
  if (is_complete_) return State::kComplete;
  if (fault_ != Fault::kNone) return State::kFault;
  skip_empty_lines(bytes);
  if (!first_byte_is_plausible(bytes)) return fail_with(Fault::kMalformed);
  for (;;) {
    const std::size_t lf = find(bytes, '\n', seen_);
    const bool is_whole = lf != std::string_view::npos;
    const std::string_view line = bytes.substr(line_, (is_whole ? lf : bytes.size()) - line_);
    const bool is_start = lines_ == 0;
    const std::size_t room =
        bounds.head_bytes_max - std::min<std::size_t>(bounds.head_bytes_max, line_ - begin_);
    const std::size_t bytes_max = is_start ? std::min(bounds.start_line_bytes_max, room) : room;
    const bool is_target = is_start && kind_ == HeadKind::kRequest;
    const Fault fault = line_fault(line, is_whole, bytes_max,
                                   is_target ? Fault::kTargetTooLong : Fault::kHeadTooLarge);
    if (fault != Fault::kNone) return fail_with(fault);
    seen_ = static_cast<std::uint32_t>(is_whole ? lf + 1 : bytes.size());
    if (!is_whole) return State::kMore;
    if (const State state = take_line(line); state != State::kMore) return state;
    if (lines_ > bounds.fields_max + 1) return fail_with(Fault::kHeadTooLarge);
  }
}

HeadScanner::State HeadScanner::take_line(std::string_view line) {
  line_ = seen_;
  const bool is_empty = line == "\r";
  if (is_empty && lines_ == 0) return fail_with(Fault::kMalformed);
  ++lines_;
  is_complete_ = is_empty;
  return is_empty ? State::kComplete : State::kMore;
}

std::string_view Fields::value_of(FieldId id) const {
  const auto found = std::find_if(begin(), end(), [&](const Field& f) { return f.id == id; });
  return found == end() ? std::string_view() : found->value;
}

bool ConnectionOptions::lists(std::string_view name) const {
  return std::any_of(names.begin(), names.begin() + static_cast<std::ptrdiff_t>(count),
                     [&](std::string_view listed) { return equal_ignoring_case(listed, name); });
}

bool Request::is_idempotent() const {
  return method == "GET" || method == "HEAD" || method == "OPTIONS" || method == "PUT" ||
         method == "DELETE";
}

namespace {
struct KnownField {
  std::string_view name;
  FieldId id;
};
// In order of length: classify() looks only at names as long as the one it has.
constexpr auto kKnownFields = std::to_array<KnownField>({
    {"te", FieldId::kTe},
    {"via", FieldId::kVia},
    {"date", FieldId::kDate},
    {"host", FieldId::kHost},
    {"proxy", FieldId::kProxy},
    {"cookie", FieldId::kCookie},
    {"expect", FieldId::kExpect},
    {"trailer", FieldId::kTrailer},
    {"upgrade", FieldId::kUpgrade},
    {"forwarded", FieldId::kForwarded},
    {"x-real-ip", FieldId::kForwarded},
    {"connection", FieldId::kConnection},
    {"keep-alive", FieldId::kKeepAlive},
    {"x-request-id", FieldId::kRequestId},
    {"authorization", FieldId::kAuthorization},
    {"cache-control", FieldId::kCacheControl},
    {"content-length", FieldId::kContentLength},
    {"http2-settings", FieldId::kHttp2Settings},
    {"proxy-connection", FieldId::kProxyConnection},
    {"x-ecluse-release", FieldId::kRelease},
    {"transfer-encoding", FieldId::kTransferEncoding},
    {"x-ecluse-override", FieldId::kOverride},
});
constexpr std::size_t kKnownBytesMax = 17;

constexpr auto kFirstOfLength = [] {
  std::array<std::uint8_t, kKnownBytesMax + 2> first{};
  for (std::size_t length = 0; length < first.size(); ++length) {
    std::uint8_t i = 0;
    while (i < kKnownFields.size() && kKnownFields[i].name.size() < length) ++i;
    first[length] = i;
  }
  return first;
}();

FieldId classify(std::string_view name) {
  if (name.size() <= kKnownBytesMax) {
    for (std::size_t i = kFirstOfLength[name.size()]; i < kFirstOfLength[name.size() + 1]; ++i) {
      if (equal_ignoring_case(name, kKnownFields[i].name)) return kKnownFields[i].id;
    }
  }
  if (name.find('_') != std::string_view::npos) return FieldId::kUnderscore;
  constexpr std::string_view kPrefix = "x-forwarded-";
  if (equal_ignoring_case(name.substr(0, kPrefix.size()), kPrefix)) return FieldId::kForwarded;
  return FieldId::kOther;
}

/// Takes the next line off `head`, without its CRLF.
std::string_view next_line(std::string_view& head) {
  const std::size_t lf = head.find('\n');
  const std::string_view line = head.substr(0, lf - 1);
  head.remove_prefix(lf + 1);
  return line;
}

bool parse_decimal(std::string_view digits, std::uint64_t& value) {
  constexpr std::uint64_t kMax = std::numeric_limits<std::int64_t>::max();
  if (digits.empty()) return false;
  value = 0;
  for (const char c : digits) {
    if (!is_digit(c)) return false;
    const auto digit = static_cast<std::uint64_t>(c - '0');
    if (value > (kMax - digit) / 10) return false;
    value = value * 10 + digit;
  }
  return true;
}

Fault parse_fields(std::string_view head, Fields& fields) {
  fields.count = 0;
  while (!head.empty()) {
    const std::string_view line = next_line(head);
    if (line.empty()) return head.empty() ? Fault::kNone : Fault::kMalformed;
    if (fields.count == kFieldsRoom) return Fault::kHeadTooLarge;
    if (const Fault fault = parse_field(line, fields.slots[fields.count]); fault != Fault::kNone) {
      return fault;
    }
    ++fields.count;
  }
  return Fault::kMalformed;
}

bool add_option(std::string_view name, ConnectionOptions& options) {
  if (equal_ignoring_case(name, "close")) {
    options.close = true;
  } else if (equal_ignoring_case(name, "keep-alive")) {
    options.keep_alive = true;
  } else if (equal_ignoring_case(name, "upgrade")) {
    options.upgrade = true;
  } else if (options.count < options.names.size()) {
    options.names[options.count++] = name;
  } else {
    return false;
  }
  return true;
}

Fault read_connection(const Fields& fields, ConnectionOptions& options) {
  options = {};
  for (const Field& field : fields) {
    if (field.id != FieldId::kConnection) continue;
    const auto add = [&](std::string_view name) { return add_option(name, options); };
    if (!for_each_element(field.value, add)) return Fault::kMalformed;
  }
  return Fault::kNone;
}

struct FramingFields {
  std::size_t lengths = 0;
  std::size_t codings = 0;
  std::uint64_t length = 0;
  std::string_view coding;
};

/// Repeated lengths must agree; a list in one field is not 1*DIGIT and is refused.
Fault read_framing_fields(const Fields& fields, FramingFields& found) {
  for (const Field& field : fields) {
    if (field.id == FieldId::kTransferEncoding) {
      ++found.codings;
      found.coding = field.value;
    } else if (field.id == FieldId::kContentLength) {
      std::uint64_t length = 0;
      if (!parse_decimal(field.value, length)) return Fault::kMalformed;
      if (found.lengths++ > 0 && length != found.length) return Fault::kMalformed;
      found.length = length;
    }
  }
  return Fault::kNone;
}

/// RFC 9112 section 6.3 wants 400 when the last coding is not chunked, 6.1 suggests 501 for codings
/// we do not know.
Fault refused_coding(std::string_view list) {
  std::size_t chunked = 0;
  std::string_view last;
  const bool clean = for_each_element(list, [&](std::string_view coding) {
    last = coding;
    chunked += equal_ignoring_case(coding, "chunked") ? 1 : 0;
    return is_token(coding);
  });
  const bool is_unknown_then_chunked =
      clean && chunked == 1 && equal_ignoring_case(last, "chunked") && last.size() != list.size();
  return is_unknown_then_chunked ? Fault::kNotImplemented : Fault::kMalformed;
}

Fault framing_of(const Fields& fields, int version_minor, Framing& framing) {
  FramingFields found;
  if (const Fault fault = read_framing_fields(fields, found); fault != Fault::kNone) return fault;
  framing = {};
  if (found.codings > 0) {
    if (found.lengths > 0 || version_minor == 0 || found.codings > 1) return Fault::kMalformed;
    if (!equal_ignoring_case(found.coding, "chunked")) return refused_coding(found.coding);
    framing.kind = BodyKind::kChunked;
  } else if (found.lengths > 0) {
    framing = {BodyKind::kLength, found.length};
  }
  return Fault::kNone;
}

bool is_version_shape(std::string_view text) {
  return text.size() == 8 && text.starts_with("HTTP/") && is_digit(text[5]) && text[6] == '.' &&
         is_digit(text[7]);
}

Fault parse_version(std::string_view text, int& minor) {
  if (!is_version_shape(text)) return Fault::kMalformed;
  minor = text[7] - '0';
  return text[5] == '1' && minor <= 1 ? Fault::kNone : Fault::kVersion;
}

struct StartLine {
  std::string_view method, target, version;
};

bool split_start_line(std::string_view line, StartLine& parts) {
  const std::size_t first = line.find(' ');
  if (first == std::string_view::npos) return false;
  const std::size_t second = line.find(' ', first + 1);
  if (second == std::string_view::npos) return false;
  parts = {line.substr(0, first), line.substr(first + 1, second - first - 1),
           line.substr(second + 1)};
  return true;
}

Fault check_method(std::string_view method) {
  if (!is_token(method)) return Fault::kMalformed;
  const bool is_refused =
      method == "CONNECT" || method == "TRACE" || method.size() > kMethodBytesMax;
  return is_refused ? Fault::kNotImplemented : Fault::kNone;
}

bool parse_absolute_form(std::string_view target, Request& request) {
  const auto begins_with = [&](std::string_view scheme) {
    return equal_ignoring_case(target.substr(0, scheme.size()), scheme);
  };
  constexpr std::string_view kHttp = "http://";
  constexpr std::string_view kHttps = "https://";
  request.names_https = begins_with(kHttps);
  if (!request.names_https && !begins_with(kHttp)) return false;
  target.remove_prefix(request.names_https ? kHttps.size() : kHttp.size());
  const std::size_t end = std::min(target.find_first_of("/?"), target.size());
  request.authority = target.substr(0, end);
  request.target = target.substr(end);
  // Without path and query it is the server itself that OPTIONS asks of: RFC 9112 section 3.2.4.
  if (request.target.empty() && request.method == "OPTIONS") request.target = "*";
  request.needs_slash = request.target.empty() || request.target.front() == '?';
  if (!is_valid_authority(request.authority, request.host)) return false;
  request.authority = without_empty_port(request.authority);
  return true;
}

Fault parse_target(std::string_view target, Request& request) {
  request.authority = request.host = {};
  request.needs_slash = request.names_https = false;
  request.target = target;
  if (target.empty() || !all_in(kTargetChars, target)) return Fault::kMalformed;
  if (target.front() == '/') return Fault::kNone;
  if (target == "*") return request.method == "OPTIONS" ? Fault::kNone : Fault::kMalformed;
  return parse_absolute_form(target, request) ? Fault::kNone : Fault::kMalformed;
}

Fault parse_request_line(std::string_view line, Request& request) {
  StartLine parts;
  if (!split_start_line(line, parts)) return Fault::kMalformed;
  request.method = parts.method;
  if (!is_token(parts.method)) return Fault::kMalformed;
  if (const Fault f = parse_version(parts.version, request.version_minor); f != Fault::kNone) {
    return f;
  }
  if (const Fault f = check_method(parts.method); f != Fault::kNone) return f;
  return parse_target(parts.target, request);
}

/// Exactly one valid Host, even when the absolute form will replace it (RFC 9112 section 3.2).
Fault check_host(Request& request) {
  std::size_t hosts = 0;
  std::string_view authority;
  for (const Field& field : request.fields) {
    if (field.id != FieldId::kHost) continue;
    ++hosts;
    authority = field.value;
  }
  std::string_view host;
  if (hosts != 1 || !is_valid_authority(authority, host)) return Fault::kMalformed;
  if (request.authority.empty()) {
    request.authority = without_empty_port(authority);
    request.host = host;
  }
  return Fault::kNone;
}

Fault read_expectation(Request& request) {
  request.expects_continue = false;
  for (const Field& field : request.fields) {
    if (field.id != FieldId::kExpect || request.version_minor == 0) continue;
    const bool is_met = for_each_element(field.value, [&](std::string_view expectation) {
      request.expects_continue = equal_ignoring_case(expectation, "100-continue");
      return request.expects_continue;
    });
    if (!is_met) return Fault::kExpectation;
  }
  const bool has_body = request.framing.kind == BodyKind::kChunked || request.framing.length > 0;
  request.expects_continue = request.expects_continue && has_body;
  return Fault::kNone;
}

bool names_websocket(const Fields& fields) {
  return std::any_of(fields.begin(), fields.end(), [](const Field& field) {
    return field.id == FieldId::kUpgrade && equal_ignoring_case(field.value, "websocket");
  });
}

/// An upgrade with a body is refused: the body could be read as the new protocol.
Fault read_upgrade(Request& request) {
  request.wants_websocket = request.connection.upgrade && request.version_minor == 1 &&
                            request.method == "GET" && names_websocket(request.fields);
  const bool has_body = request.framing.kind == BodyKind::kChunked || request.framing.length > 0;
  const bool asks = request.connection.upgrade && names_websocket(request.fields);
  return asks && has_body ? Fault::kMalformed : Fault::kNone;
}

bool persists(int version_minor, const ConnectionOptions& connection) {
  if (connection.close) return false;
  return version_minor == 1 || connection.keep_alive;
}

Fault first_fault(std::initializer_list<Fault (*)(Request&)> checks, Request& request) {
  for (const auto check : checks) {
    if (const Fault fault = check(request); fault != Fault::kNone) return fault;
  }
  return Fault::kNone;
}
}  // namespace

Fault parse_request(std::string_view head, Request& request) {
  const std::string_view line = next_line(head);
  if (const Fault f = parse_request_line(line, request); f != Fault::kNone) return f;
  if (const Fault f = parse_fields(head, request.fields); f != Fault::kNone) return f;
  if (const Fault f = read_connection(request.fields, request.connection); f != Fault::kNone) {
    return f;
  }
  const Fault framing = framing_of(request.fields, request.version_minor, request.framing);
  if (framing != Fault::kNone) return framing;
  request.keep_alive = persists(request.version_minor, request.connection);
  return first_fault({check_host, read_expectation, read_upgrade}, request);
}

namespace {
Fault parse_status_line(std::string_view line, Response& response) {
  const std::string_view version = line.substr(0, 8);
  if (const Fault f = parse_version(version, response.version_minor); f != Fault::kNone) return f;
  line.remove_prefix(version.size());
  const bool is_shape = line.size() >= 4 && line[0] == ' ' && is_digit(line[1]) &&
                        is_digit(line[2]) && is_digit(line[3]);
  if (!is_shape || line[1] == '0' || line[1] > '5') return Fault::kMalformed;
  response.status = (line[1] - '0') * 100 + (line[2] - '0') * 10 + (line[3] - '0');
  line.remove_prefix(4);
  if (!line.empty() && line.front() != ' ') return Fault::kMalformed;
  // The reason and its space may both be missing; many servers forget the space.
  response.reason = line.empty() ? line : line.substr(1);
  return all_in(kValueChars, response.reason) ? Fault::kNone : Fault::kMalformed;
}

bool never_has_body(int status, bool to_head) {
  return to_head || status < 200 || status == 204 || status == 304;
}

Fault frame_response(bool to_head, Response& response) {
  Framing& declared = response.declared;
  const Fault fault = framing_of(response.fields, response.version_minor, declared);
  if (fault != Fault::kNone) return fault;
  const bool is_bodiless = never_has_body(response.status, to_head);
  const bool is_204_like = response.status < 200 || response.status == 204;
  response.has_useless_framing =
      is_204_like && (declared.kind == BodyKind::kChunked || declared.length > 0);
  if (is_bodiless) {
    response.framing = {};
  } else if (declared.kind == BodyKind::kNone) {
    response.framing = {BodyKind::kUntilClose, 0};
  } else {
    response.framing = declared;
  }
  return Fault::kNone;
}
}  // namespace

Fault parse_response(std::string_view head, bool to_head, Response& response) {
  const std::string_view line = next_line(head);
  if (const Fault f = parse_status_line(line, response); f != Fault::kNone) return f;
  if (const Fault f = parse_fields(head, response.fields); f != Fault::kNone) return f;
  if (const Fault f = read_connection(response.fields, response.connection); f != Fault::kNone) {
    return f;
  }
  if (const Fault f = frame_response(to_head, response); f != Fault::kNone) return f;
  response.keep_alive = persists(response.version_minor, response.connection) &&
                        response.framing.kind != BodyKind::kUntilClose &&
                        !response.has_useless_framing;
  response.switches_to_websocket = response.status == 101 && response.version_minor == 1 &&
                                   response.connection.upgrade && names_websocket(response.fields);
  return Fault::kNone;
}

Fault parse_field(std::string_view line, Field& field) {
  std::size_t colon = 0;
  while (colon < line.size() && kTokenChars[static_cast<unsigned char>(line[colon])]) ++colon;
  // A line that begins with a space is an obs-fold and ends here with an empty name.
  if (colon == 0 || colon == line.size() || line[colon] != ':') return Fault::kMalformed;
  field.name = line.substr(0, colon);
  field.value = trim_ows(line.substr(colon + 1));
  if (!all_in(kValueChars, field.value)) return Fault::kMalformed;
  field.id = classify(field.name);
  return Fault::kNone;
}

namespace {
enum class Concern : std::uint8_t { kEndToEnd, kHop, kToAppOnlyByUs };

Concern concern_of(FieldId id) {
  switch (id) {
    case FieldId::kOther:
    case FieldId::kVia:
    case FieldId::kDate:
    case FieldId::kCookie:
    case FieldId::kAuthorization:
    case FieldId::kCacheControl:
      return Concern::kEndToEnd;
    case FieldId::kConnection:
    case FieldId::kKeepAlive:
    case FieldId::kProxyConnection:
    case FieldId::kTe:
    case FieldId::kTrailer:
    case FieldId::kUpgrade:
    case FieldId::kHttp2Settings:
    case FieldId::kHost:
    case FieldId::kContentLength:
    case FieldId::kTransferEncoding:
    case FieldId::kExpect:
    case FieldId::kOverride:
    case FieldId::kRelease:
      return Concern::kHop;
    case FieldId::kForwarded:
    case FieldId::kRequestId:
    case FieldId::kProxy:
    case FieldId::kUnderscore:
      return Concern::kToAppOnlyByUs;
  }
  return Concern::kHop;
}

bool is_listed(const Field& field, const ConnectionOptions& connection) {
  return connection.count > 0 && connection.lists(field.name);
}
}  // namespace

bool may_reach_app(const Field& field, const ConnectionOptions& connection) {
  return concern_of(field.id) == Concern::kEndToEnd && !is_listed(field, connection);
}

bool may_reach_client(const Field& field, const ConnectionOptions& connection) {
  return concern_of(field.id) != Concern::kHop && !is_listed(field, connection);
}

}  // namespace ecluse::gateway::http1
