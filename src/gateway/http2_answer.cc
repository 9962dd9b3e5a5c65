#include "gateway/http2_answer.h"

#include <nghttp2/nghttp2.h>

#include <array>
#include <span>

#include "gateway/http2_session.h"

namespace ecluse::gateway::http2 {

namespace {
using FieldsRoom = std::array<nghttp2_nv, http1::kFieldsRoom + 16>;

nghttp2_nv field_of(std::string_view name, std::string_view value) {
  return {reinterpret_cast<std::uint8_t*>(const_cast<char*>(name.data())),
          reinterpret_cast<std::uint8_t*>(const_cast<char*>(value.data())), name.size(),
          value.size(), NGHTTP2_NV_FLAG_NONE};
}

std::span<const nghttp2_nv> fields_of(const AnswerHead& head, std::string_view status,
                                      FieldsRoom& room) {
  std::size_t count = 0;
  room[count++] = field_of(":status", status);
  for (const AnswerField& field : head.fields) {
    if (count == room.size()) break;  // cannot be: an answer has at most kFieldsRoom and ours
    room[count++] = field_of(field.name, field.value);
  }
  return {room.data(), count};
}

/// 101 is the consent of HTTP/1; here it is a CONNECT that succeeds (RFC 8441 section 5.1). So what
/// succeeded without becoming a WebSocket must not look like it: the app does not do that.
std::string_view status_of(const AnswerHead& head, bool wants_websocket) {
  constexpr std::string_view kNotImplemented = "501";
  if (head.status == 101) return "200";
  return wants_websocket && head.status / 100 == 2 ? kNotImplemented : head.status_text;
}

ssize_t read_body(nghttp2_session*, std::int32_t, std::uint8_t*, std::size_t size,
                  std::uint32_t* flags, nghttp2_data_source* source, void*) {
  auto& stream = *static_cast<Stream*>(source->ptr);
  return stream.session->take_body(stream, size, *flags);
}
}  // namespace

bool submit_interim(nghttp2_session* session, std::int32_t stream, const AnswerHead& head) {
  FieldsRoom room;
  const auto fields = fields_of(head, head.status_text, room);
  return ::nghttp2_submit_headers(session, NGHTTP2_FLAG_NONE, stream, nullptr, fields.data(),
                                  fields.size(), nullptr) == 0;
}

bool submit_final(nghttp2_session* session, Stream& stream, const AnswerHead& head, Body body) {
  FieldsRoom room;
  const auto fields = fields_of(head, status_of(head, stream.wants_websocket), room);
  nghttp2_data_provider provider{};
  provider.source.ptr = &stream;
  provider.read_callback = read_body;
  return ::nghttp2_submit_response(session, stream.id, fields.data(), fields.size(),
                                   body == Body::kFollows ? &provider : nullptr) == 0;
}

}  // namespace ecluse::gateway::http2
