#include "observe/probe_answer.h"

#include <algorithm>
#include <charconv>

#include "base/text.h"

namespace ecluse::observe {

namespace {
constexpr std::size_t kHeadBytesMax = 16 * 1024;
constexpr std::string_view kProtocol = "HTTP/1.";

bool could_be_http(std::string_view received) {
  const auto length = std::min(received.size(), kProtocol.size());
  return received.substr(0, length) == kProtocol.substr(0, length);
}

/// "HTTP/1.1 200 OK" to 200; 0 when it is not that.
int status_of(std::string_view head) {
  constexpr std::size_t kStatusAt = 9;  // after "HTTP/1.x "
  if (head.size() < kStatusAt + 3 || head[kStatusAt - 1] != ' ') return 0;
  int status = 0;
  const char* begin = head.data() + kStatusAt;
  const auto [end, error] = std::from_chars(begin, begin + 3, status);
  return error == std::errc() && end == begin + 3 && status >= 100 ? status : 0;
}

bool same_ignoring_case(std::string_view a, std::string_view b) {
  const auto lower = [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; };
  return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                    [&](char x, char y) { return lower(x) == lower(y); });
}

std::optional<std::string_view> header(std::string_view head, std::string_view name) {
  for (std::size_t begin = head.find("\r\n"); begin != std::string_view::npos;) {
    begin += 2;
    const auto end = head.find("\r\n", begin);
    const auto line = head.substr(begin, end - begin);
    const auto colon = line.find(':');
    if (colon != std::string_view::npos && same_ignoring_case(line.substr(0, colon), name)) {
      return trim(line.substr(colon + 1));
    }
    begin = end;
  }
  return std::nullopt;
}

/// Only the first chunk is shown, without its size: evidence, not a decoder.
std::string_view first_chunk(std::string_view body) {
  const auto line = body.find("\r\n");
  return line == std::string_view::npos ? std::string_view() : body.substr(line + 2);
}

bool is_whole(std::string_view head, std::string_view body, int status) {
  if (status == 204 || status == 304 || body.size() >= kEvidenceBytesMax) return true;
  const auto length = header(head, "content-length");
  if (!length) return body.ends_with("0\r\n\r\n") && header(head, "transfer-encoding");
  std::size_t bytes = 0;
  const auto [end, error] = std::from_chars(length->data(), length->data() + length->size(), bytes);
  return error == std::errc() && body.size() >= bytes;
}

ProbeAnswer answer_of(std::string_view head, std::string_view body, int status) {
  const bool chunked = header(head, "transfer-encoding").has_value();
  const auto shown = chunked ? first_chunk(body) : body;
  return {status, std::string(shown.substr(0, kEvidenceBytesMax)), is_whole(head, body, status)};
}
}  // namespace

AnswerSoFar read_answer(std::string_view received) {
  if (!could_be_http(received)) return {.fault = AnswerFault::kNotHttp};
  const auto end = received.find("\r\n\r\n");
  if (end == std::string_view::npos) {
    if (received.size() > kHeadBytesMax) return {.fault = AnswerFault::kHeadTooLarge};
    return {};
  }
  const auto head = received.substr(0, end);
  const auto rest = received.substr(end + 4);
  const int status = status_of(head);
  if (status == 0) return {.fault = AnswerFault::kNotHttp};
  if (status < 200) return rest.empty() ? AnswerSoFar{} : read_answer(rest);  // 103 and the like
  return {.answer = answer_of(head, rest, status)};
}

}  // namespace ecluse::observe
