#pragma once
// Answers on their way to nghttp2: heads as fields, bodies from the outbox of their stream.

#include <cstdint>

#include "gateway/http2_head.h"

struct nghttp2_session;

namespace ecluse::gateway::http2 {

struct Stream;
enum class Body : std::uint8_t { kNone, kFollows };

/// 100 to 199. False: out of memory, or the stream is gone.
bool submit_interim(nghttp2_session* session, std::int32_t stream, const AnswerHead& head);
/// The one that counts; its body is taken by Session::take_body() as the windows allow. The stream
/// must outlive its answer. False as above.
bool submit_final(nghttp2_session* session, Stream& stream, const AnswerHead& head, Body body);

}  // namespace ecluse::gateway::http2
