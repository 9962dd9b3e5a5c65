#include "gateway/http2_head.h"

#include <algorithm>
#include <charconv>

#include "gateway/http1_chars.h"

namespace ecluse::gateway::http2 {

namespace {
constexpr std::size_t kFieldOverhead = 32;  ///< as SETTINGS_MAX_HEADER_LIST_SIZE counts

bool is_upper(char c) {
  return c >= 'A' && c <= 'Z';
}
/// What could end a line or a text in HTTP/1; everything else is for the strict parser to judge.
bool is_control(char c) {
  const auto byte = static_cast<unsigned char>(c);
  return (byte < 0x20 && c != '\t') || byte == 0x7f;
}
bool is_clean(std::string_view value) {
  return std::ranges::none_of(value, is_control) && http1::trim_ows(value) == value;
}
/// Also without a space: a request line is made of three words.
bool is_word(std::string_view text) {
  return !text.empty() &&
         std::ranges::none_of(text, [](char c) { return is_control(c) || c == ' ' || c == '\t'; });
}
bool is_name(std::string_view name) {
  return !name.empty() && http1::all_in(http1::kTokenChars, name) &&
         std::ranges::none_of(name, is_upper);
}

/// RFC 9113 section 8.2.2.
bool is_of_one_connection(std::string_view name) {
  return name == "connection" || name == "keep-alive" || name == "proxy-connection" ||
         name == "transfer-encoding" || name == "upgrade" || name == "http2-settings";
}

/// The client's part of a handshake that HTTP/2 does without (RFC 8441 section 5).
bool is_of_the_handshake(std::string_view name) {
  return name == "sec-websocket-key";
}
}  // namespace

void RequestHead::pass_over(std::string_view name, std::string_view value) {
  bytes_ += name.size() + value.size() + kFieldOverhead;
}

void RequestHead::add(std::string_view name, std::string_view value) {
  pass_over(name, value);
  if (verdict_ != Verdict::kGood) return;
  if (bytes_ > bounds_.head_bytes_max || ++count_ > bounds_.fields_max) {
    verdict_ = name == ":path" || path_.size() > bounds_.start_line_bytes_max
                   ? Verdict::kTargetTooLong
                   : Verdict::kTooLarge;
    return;
  }
  if (name.starts_with(':')) return add_pseudo(name, value);
  is_past_pseudo_ = true;
  add_regular(name, value);
}

void RequestHead::add_pseudo(std::string_view name, std::string_view value) {
  if (is_past_pseudo_) return refuse();
  const auto take = [&](std::string& member) {
    if (!member.empty() || !is_word(value)) return refuse();
    member = value;
  };
  if (name == ":method") return take(method_);
  if (name == ":scheme") return take(scheme_);
  if (name == ":path") return take(path_);
  if (name == ":protocol") return take(protocol_);
  if (name != ":authority" || has_authority_) return refuse();
  has_authority_ = true;
  take(authority_);
}

void RequestHead::add_regular(std::string_view name, std::string_view value) {
  if (!is_name(name) || !is_clean(value) || is_of_one_connection(name)) return refuse();
  if (name == "te" && value != "trailers") return refuse();
  if (name == "host") {
    if (has_host_) return refuse();
    has_host_ = true;
    host_ = value;
    return;
  }
  if (name == "content-length") {
    if (has_length_) return refuse();
    has_length_ = true;
    std::uint64_t length = 0;
    const auto* const end = value.data() + value.size();
    if (std::from_chars(value.data(), end, length).ptr == end) length_ = length;
  }
  if (is_of_the_handshake(name)) return;
  if (name == "cookie") {  // may come in crumbs: RFC 9113 section 8.2.3
    cookie_ += cookie_.empty() ? "" : "; ";
    cookie_ += value;
    return;
  }
  fields_.append(name).append(": ").append(value).append("\r\n");
}

/// A path that begins with a slash, or "*": never an absolute form, whose authority would count
/// more than the one that was checked.
bool RequestHead::has_target() const {
  return path_.starts_with('/') || (path_ == "*" && method_ == "OPTIONS");
}

void RequestHead::write_websocket(std::string_view key, std::string& text) const {
  text.append("connection: upgrade\r\nupgrade: websocket\r\nsec-websocket-key: ");
  text.append(key).append("\r\n");
}

Verdict RequestHead::finish(bool ends, std::string_view websocket_key, std::string& text) const {
  if (verdict_ != Verdict::kGood) return verdict_;
  const bool is_connect = method_ == "CONNECT";
  if (method_.empty() || (is_connect && !wants_websocket())) {
    return is_connect ? Verdict::kNotImplemented : Verdict::kMalformed;
  }
  if (scheme_ != "https" || !has_target()) return Verdict::kMalformed;
  if (wants_websocket()) {
    if (!is_connect || ends || has_length_) return Verdict::kMalformed;
    if (protocol_ != "websocket") return Verdict::kNotImplemented;
  }
  // Two names for one host: whoever reads the other one is deceived.
  if (has_host_ && has_authority_ && host_ != authority_) return Verdict::kMalformed;
  if (!has_host_ && !has_authority_) return Verdict::kMalformed;
  text.append(wants_websocket() ? "GET" : method_).append(" ").append(path_);
  text.append(" HTTP/1.1\r\nhost: ").append(has_authority_ ? authority_ : host_).append("\r\n");
  text.append(fields_);
  if (!cookie_.empty()) text.append("cookie: ").append(cookie_).append("\r\n");
  if (wants_websocket()) {
    write_websocket(websocket_key, text);
  } else if (!ends && !has_length_) {
    text.append("transfer-encoding: chunked\r\n");  // unknown length, in HTTP/1's words
  }
  text.append("\r\n");
  return Verdict::kGood;
}

namespace {
std::string_view take_line(std::span<char>& rest) {
  const std::string_view text(rest.data(), rest.size());
  const std::size_t end = text.find("\r\n");
  rest = rest.subspan(end + 2);
  return text.substr(0, end);
}
}  // namespace

void read_answer_head(std::span<char> text, AnswerHead& head) {
  constexpr std::size_t kStatusAt = 9;  // behind "HTTP/1.1 "
  head.fields.clear();
  head.websocket_accept = {};
  std::span<char> rest = text;
  head.status_text = take_line(rest).substr(kStatusAt, 3);
  head.status = (head.status_text[0] - '0') * 100 + (head.status_text[1] - '0') * 10 +
                (head.status_text[2] - '0');
  while (rest.size() > 2) {
    char* const begin = rest.data();
    const std::string_view line = take_line(rest);
    const std::size_t colon = line.find(": ");
    std::transform(begin, begin + colon, begin, http1::to_lower);
    const AnswerField field{line.substr(0, colon), line.substr(colon + 2)};
    if (field.name == "sec-websocket-accept") {
      head.websocket_accept = field.value;
    } else if (!is_of_one_connection(field.name)) {
      head.fields.push_back(field);
    }
  }
}

}  // namespace ecluse::gateway::http2
