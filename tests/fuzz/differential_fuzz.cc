// libFuzzer on two readings of one message: ours, and that of http_parser, which many servers were
// built on. Where both take a request they must take the same one: the same fields, the same body,
// the same end. A difference is how a request is smuggled past whoever stands before or behind us.
#include <http_parser.h>

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/text.h"
#include "gateway/http1_chunked.h"
#include "gateway/http1_head.h"

namespace {
using namespace ecluse::gateway::http1;

void require(bool condition) {
  if (!condition) std::abort();
}

struct Message {
  bool is_refused = false;
  bool is_whole = false;
  std::string method;
  std::string target;
  std::vector<std::pair<std::string, std::string>> fields;
  std::string body;
  std::size_t end = 0;  ///< where the next message would begin; only of a whole one
};

// ---- Ours

void take_length(std::string_view rest, std::uint64_t length, Message& message) {
  message.is_whole = rest.size() >= length;
  message.body = rest.substr(0, length);
  message.end += message.body.size();
}

void take_chunks(std::string_view rest, Message& message) {
  ChunkedDecoder decoder;
  std::string bytes(rest);
  const auto progress = decoder.decode(bytes, {.line_bytes_max = 1024, .trailer_bytes_max = 4096});
  message.is_refused = decoder.fault() != Fault::kNone;
  message.is_whole = decoder.done();
  message.body = bytes.substr(0, progress.produced);
  message.end += progress.consumed;
}

Message ours(std::string_view bytes) {
  static Request request;
  Message message;
  HeadScanner scanner(HeadKind::kRequest);
  const auto state = scanner.scan(bytes, {});
  if (state == HeadScanner::State::kMore) return message;
  const auto begin = scanner.head_begin();
  const bool is_taken =
      state == HeadScanner::State::kComplete &&
      parse_request(bytes.substr(begin, scanner.head_end() - begin), request) == Fault::kNone;
  message.is_refused = !is_taken;
  if (!is_taken) return message;
  message.method = request.method;
  message.target = request.target;
  for (const Field& field : request.fields) message.fields.emplace_back(field.name, field.value);
  message.end = scanner.head_end();
  const auto rest = bytes.substr(message.end);
  if (request.framing.kind == BodyKind::kChunked)
    take_chunks(rest, message);
  else
    take_length(rest, request.framing.kind == BodyKind::kLength ? request.framing.length : 0,
                message);
  return message;
}

// ---- http_parser's: it tells the parts as it comes upon them

struct Listener {
  Message message;
  bool in_value = true;
  bool head_is_over = false;  ///< what looks like fields then is a trailer
};

Listener& listener_of(http_parser* parser) {
  return *static_cast<Listener*>(parser->data);
}

int on_target(http_parser* parser, const char* at, std::size_t size) {
  listener_of(parser).message.target.append(at, size);
  return 0;
}

int on_name(http_parser* parser, const char* at, std::size_t size) {
  auto& listener = listener_of(parser);
  if (listener.head_is_over) return 0;
  if (std::exchange(listener.in_value, false)) listener.message.fields.emplace_back();
  listener.message.fields.back().first.append(at, size);
  return 0;
}

int on_value(http_parser* parser, const char* at, std::size_t size) {
  auto& listener = listener_of(parser);
  if (listener.head_is_over) return 0;
  listener.in_value = true;
  listener.message.fields.back().second.append(at, size);
  return 0;
}

int on_head(http_parser* parser) {
  listener_of(parser).head_is_over = true;
  return 0;
}

int on_body(http_parser* parser, const char* at, std::size_t size) {
  listener_of(parser).message.body.append(at, size);
  return 0;
}

int on_end(http_parser* parser) {
  listener_of(parser).message.is_whole = true;
  http_parser_pause(parser, 1);  // what follows is another message
  return 0;
}

Message theirs(std::string_view bytes) {
  static const http_parser_settings kSettings = [] {
    http_parser_settings settings;
    http_parser_settings_init(&settings);
    settings.on_url = on_target;
    settings.on_header_field = on_name;
    settings.on_header_value = on_value;
    settings.on_headers_complete = on_head;
    settings.on_body = on_body;
    settings.on_message_complete = on_end;
    return settings;
  }();
  Listener listener;
  http_parser parser;
  http_parser_init(&parser, HTTP_REQUEST);
  parser.data = &listener;
  const auto read = http_parser_execute(&parser, &kSettings, bytes.data(), bytes.size());
  auto& message = listener.message;
  const auto error = HTTP_PARSER_ERRNO(&parser);
  message.is_refused = error != HPE_OK && error != HPE_PAUSED;
  message.method = http_method_str(static_cast<http_method>(parser.method));
  message.end = read;
  return std::move(message);
}

void require_same(const Message& a, const Message& b) {
  require(a.is_whole == b.is_whole);
  if (!a.is_whole) return;
  require(a.method == b.method && a.end == b.end && a.body == b.body);
  require(!b.target.starts_with('/') || a.target == b.target);  // others are rewritten by us
  require(std::ranges::equal(a.fields, b.fields, [](const auto& x, const auto& y) {
    return x.first == y.first && x.second == ecluse::trim(y.second);
  }));
}
}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  const Message our = ours(bytes);
  if (our.is_refused) return 0;
  const Message their = theirs(bytes);
  if (!their.is_refused) require_same(our, their);
  return 0;
}
