#pragma once
// Reads just enough of an HTTP/1 answer to judge a probe: the status and the first bytes of the
// body. Pure: bytes in, verdict out.

#include <optional>
#include <string>
#include <string_view>

namespace ecluse::observe {

constexpr std::size_t kEvidenceBytesMax = 200;

struct ProbeAnswer {
  int status = 0;
  std::string body;       ///< its beginning as it came, at most kEvidenceBytesMax
  bool complete = false;  ///< as far as we care: the body ended or is long enough
};

enum class AnswerFault { kNotHttp, kHeadTooLarge };

/// What `received` (everything since the connection opened) amounts to so far. No answer and no
/// fault: read on.
struct AnswerSoFar {
  std::optional<ProbeAnswer> answer;
  std::optional<AnswerFault> fault;
};
AnswerSoFar read_answer(std::string_view received);

/// 200..399: a redirect to a login page is an app that works.
constexpr bool is_success(int status) {
  return status >= 200 && status <= 399;
}

}  // namespace ecluse::observe
