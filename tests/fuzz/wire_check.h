#pragma once
// What the gateway wrote, read by somebody who is not the gateway: stricter than any parser,
// because what is written anew has one form only. A deviation aborts.

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <optional>
#include <source_location>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace wire {

/// Says where, and what the system said last: the machine may have been short of something.
inline void must(bool holds, std::source_location where = std::source_location::current()) {
  if (holds) return;
  const char* const said = std::strerror(errno);
  (void)std::fprintf(stderr, "%s:%u does not hold; errno: %s\n", where.file_name(), where.line(),
                     said);
  std::abort();
}

struct Head {
  std::string_view start;
  std::vector<std::pair<std::string_view, std::string_view>> fields;

  std::size_t count(std::string_view name) const {
    return static_cast<std::size_t>(
        std::ranges::count_if(fields, [&](const auto& f) { return is_name(f.first, name); }));
  }
  std::string_view value(std::string_view name) const {
    for (const auto& [key, text] : fields) {
      if (is_name(key, name)) return text;
    }
    return {};
  }
  static bool is_name(std::string_view a, std::string_view b) {
    return std::ranges::equal(a, b, [](char x, char y) { return lower(x) == lower(y); });
  }
  static char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; }
};

inline bool is_token(std::string_view text) {
  constexpr std::string_view kMarks = "!#$%&'*+-.^_`|~";
  return !text.empty() && std::ranges::all_of(text, [&](char c) {
    const char l = Head::lower(c);
    return (l >= 'a' && l <= 'z') || (c >= '0' && c <= '9') || kMarks.find(c) != kMarks.npos;
  });
}
inline bool is_clean(std::string_view text) {
  return std::ranges::none_of(text, [](char c) {
    const auto byte = static_cast<unsigned char>(c);
    return (byte < 0x20 && c != '\t') || byte == 0x7f;
  });
}

/// Takes a whole head off the front of `text`; none while its end has not come.
inline std::optional<Head> take_head(std::string_view& text) {
  const std::size_t end = text.find("\r\n\r\n");
  if (end == text.npos) return std::nullopt;
  std::string_view rest = text.substr(0, end + 2);
  text.remove_prefix(end + 4);
  Head head;
  while (!rest.empty()) {
    const std::size_t at = rest.find("\r\n");
    const std::string_view line = rest.substr(0, at);
    rest.remove_prefix(at + 2);
    must(is_clean(line));
    if (head.start.empty()) {
      head.start = line;
      continue;
    }
    const std::size_t colon = line.find(": ");
    must(colon != line.npos && is_token(line.substr(0, colon)));
    head.fields.emplace_back(line.substr(0, colon), line.substr(colon + 2));
  }
  must(!head.start.empty());
  return head;
}

struct Body {
  std::string bytes;
  bool is_whole = false;
};

inline Body take_length(std::string_view& text, std::uint64_t length) {
  const std::size_t n = std::min<std::uint64_t>(length, text.size());
  Body body{std::string(text.substr(0, n)), n == length};
  text.remove_prefix(n);
  return body;
}

/// No extension, no trailer, no leading zero: as only one of us writes.
inline Body take_chunks(std::string_view& text) {
  Body body;
  for (;;) {
    const std::size_t end = text.find("\r\n");
    if (end == text.npos) return body;
    std::uint64_t size = 0;
    const auto [stop, error] = std::from_chars(text.data(), text.data() + end, size, 16);
    must(error == std::errc() && stop == text.data() + end && (text[0] != '0' || end == 1));
    const std::size_t whole = end + 2 + size + 2;
    if (text.size() < whole) return body;
    must(text.substr(whole - 2, 2) == "\r\n");
    body.bytes.append(text.substr(end + 2, size));
    text.remove_prefix(whole);
    body.is_whole = size == 0;
    if (body.is_whole) return body;
  }
}

inline std::uint64_t number(std::string_view text) {
  std::uint64_t n = 0;
  const auto [stop, error] = std::from_chars(text.data(), text.data() + text.size(), n);
  must(error == std::errc() && stop == text.data() + text.size());
  return n;
}

/// Of either direction: one framing at most, and nothing that is of one connection only.
inline void check_fields(const Head& head) {
  const std::size_t codings = head.count("transfer-encoding");
  must(head.count("content-length") + codings <= 1);
  must(codings == 0 || head.value("transfer-encoding") == "chunked");
  for (const std::string_view hop : {"keep-alive", "proxy-connection", "te", "trailer"}) {
    must(head.count(hop) == 0);
  }
  must(head.count("connection") <= 1 && head.count("upgrade") <= 1);
}

/// A request as the gateway writes it to an app.
inline void check_request(const Head& head) {
  const std::size_t first = head.start.find(' ');
  const std::size_t last = head.start.rfind(' ');
  must(first != head.start.npos && first < last && is_token(head.start.substr(0, first)));
  const std::string_view target = head.start.substr(first + 1, last - first - 1);
  must(target.find_first_of(" \t#") == target.npos && (target == "*" || target.starts_with('/')));
  must(head.start.substr(last + 1) == "HTTP/1.1");
  check_fields(head);
  must(head.count("host") == 1 && Head::is_name(head.fields[0].first, "host"));
  for (const auto& [name, value] : head.fields) must(name.find('_') == name.npos);
  for (const std::string_view ours :
       {"x-forwarded-for", "x-forwarded-proto", "x-forwarded-host", "x-request-id"}) {
    must(head.count(ours) == 1);
  }
  must(head.value("x-request-id").size() == 32 && head.count("via") >= 1);
  for (const std::string_view gone :
       {"forwarded", "proxy", "x-ecluse-override", "http2-settings"}) {
    must(head.count(gone) == 0);
  }
  must(head.count("connection") == head.count("upgrade"));
  must(head.count("upgrade") == 0 || head.value("upgrade") == "websocket");
}

/// What one connection to an app received. Reads on with each call.
class Requests {
 public:
  struct Request {
    std::string method;
    Body body;
    bool asks_for_websocket = false;
  };

  void feed(std::string_view bytes) {
    waiting_.append(bytes);
    while (read_one()) {
    }
  }
  /// Those that have begun: the last one may have come in part.
  const std::vector<Request>& all() const { return all_; }
  /// What follows a request for a WebSocket.
  const std::string& tail() const { return waiting_; }

 private:
  bool read_one() {
    if (is_tunnel_) return false;
    std::string_view text = waiting_;
    if (!head_read_) {
      const auto head = take_head(text);
      if (!head) return false;
      check_request(*head);
      all_.push_back({std::string(head->start.substr(0, head->start.find(' '))),
                      {},
                      head->count("upgrade") == 1});
      is_chunked_ = head->count("transfer-encoding") == 1;
      length_ = head->count("content-length") == 1 ? number(head->value("content-length")) : 0;
      head_read_ = true;
      waiting_.erase(0, waiting_.size() - text.size());
      text = waiting_;
    }
    Body body = is_chunked_ ? take_chunks(text) : take_length(text, length_);
    if (!body.is_whole) return false;
    all_.back().body = std::move(body);
    waiting_.erase(0, waiting_.size() - text.size());
    head_read_ = false;
    is_tunnel_ = all_.back().asks_for_websocket;
    return true;
  }

  std::string waiting_;
  std::vector<Request> all_;
  bool head_read_ = false;
  bool is_chunked_ = false;
  bool is_tunnel_ = false;
  std::uint64_t length_ = 0;
};

struct Answer {
  int status = 0;
  Body body;
};

/// An answer as the gateway writes it to a client; nothing if its head is not whole.
/// `ended`: the connection ended cleanly behind `text`.
inline std::optional<Answer> take_answer(std::string_view& text, bool is_head, bool ended) {
  const auto head = take_head(text);
  if (!head) return std::nullopt;
  must(head->start.starts_with("HTTP/1.1 ") && head->start.size() > 12 && head->start[12] == ' ');
  check_fields(*head);
  Answer answer{static_cast<int>(number(head->start.substr(9, 3))), {}};
  const bool has_none =
      is_head || answer.status < 200 || answer.status == 204 || answer.status == 304;
  if (answer.status < 200 || answer.status == 204) must(head->count("content-length") == 0);
  if (has_none) {
    must(head->count("transfer-encoding") == 0);
    answer.body.is_whole = true;
  } else if (head->count("transfer-encoding") == 1) {
    answer.body = take_chunks(text);
  } else if (head->count("content-length") == 1) {
    answer.body = take_length(text, number(head->value("content-length")));
  } else {
    answer.body = take_length(text, text.size());
    answer.body.is_whole = ended;
  }
  return answer;
}

}  // namespace wire
