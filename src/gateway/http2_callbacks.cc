#include "gateway/http2_callbacks.h"

#include <nghttp2/nghttp2.h>

#include <algorithm>
#include <string_view>

#include "gateway/http2_session.h"

namespace ecluse::gateway::http2 {

namespace {
constexpr std::size_t kFrameHeadBytes = 9;

Session& session_of(void* user) {
  return *static_cast<Session*>(user);
}

std::string_view text_of(const std::uint8_t* bytes, std::size_t size) {
  return {reinterpret_cast<const char*>(bytes), size};
}

int on_begin_headers(nghttp2_session*, const nghttp2_frame* frame, void* user) {
  if (frame->hd.type != NGHTTP2_HEADERS || frame->headers.cat != NGHTTP2_HCAT_REQUEST) return 0;
  return session_of(user).on_request_begins(frame->hd.stream_id);
}

int on_header(nghttp2_session*, const nghttp2_frame* frame, const std::uint8_t* name,
              std::size_t name_bytes, const std::uint8_t* value, std::size_t value_bytes,
              std::uint8_t, void* user) {
  return session_of(user).on_field(frame->hd.stream_id, text_of(name, name_bytes),
                                   text_of(value, value_bytes));
}

/// nghttp2 would drop the field and go on; we reset the stream.
int on_invalid_header(nghttp2_session*, const nghttp2_frame*, const std::uint8_t*, std::size_t,
                      const std::uint8_t*, std::size_t, std::uint8_t, void*) {
  return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
}

/// What costs us work or memory and brings the client no further.
bool is_control_frame(const nghttp2_frame_hd& head) {
  switch (head.type) {
    case NGHTTP2_PING:
    case NGHTTP2_SETTINGS:
    case NGHTTP2_PRIORITY:
    case NGHTTP2_PRIORITY_UPDATE:
      return true;
    case NGHTTP2_DATA:
      return head.length == 0 && (head.flags & NGHTTP2_FLAG_END_STREAM) == 0;
    default:
      return false;
  }
}

int on_begin_frame(nghttp2_session*, const nghttp2_frame_hd* head, void* user) {
  Session& session = session_of(user);
  if (head->type == NGHTTP2_HEADERS && head->stream_id != 0 && !session.is_open(head->stream_id)) {
    session.on_head_of_no_stream(head->stream_id);
  }
  // nghttp2 does not read frames of priorities, which we do not have: RFC 9113 section 6.3.
  if (head->type == NGHTTP2_PRIORITY && head->stream_id == 0) session.on_priority_of_nothing();
  if (is_control_frame(*head)) session.count_control_frame();
  if (head->type == NGHTTP2_WINDOW_UPDATE) session.count_window_update();
  return 0;
}

int on_frame(nghttp2_session*, const nghttp2_frame* frame, void* user) {
  Session& session = session_of(user);
  const bool ends = (frame->hd.flags & NGHTTP2_FLAG_END_STREAM) != 0;
  if (frame->hd.type == NGHTTP2_PING && (frame->hd.flags & NGHTTP2_FLAG_ACK) != 0) {
    if (std::equal(kGoodbyePing.begin(), kGoodbyePing.end(), frame->ping.opaque_data)) {
      session.on_ping_answered();
    }
    return 0;
  }
  if (frame->hd.type == NGHTTP2_RST_STREAM) session.on_peer_reset(frame->hd.stream_id);
  if (frame->hd.type == NGHTTP2_HEADERS && frame->headers.cat == NGHTTP2_HCAT_REQUEST) {
    return session.on_request_whole(frame->hd.stream_id, ends);
  }
  const bool may_end = frame->hd.type == NGHTTP2_DATA || frame->hd.type == NGHTTP2_HEADERS;
  if (may_end && ends) session.on_peer_ended(frame->hd.stream_id);
  return 0;
}

int on_data_chunk(nghttp2_session*, std::uint8_t, std::int32_t id, const std::uint8_t* bytes,
                  std::size_t size, void* user) {
  return session_of(user).on_data(id, text_of(bytes, size));
}

int on_stream_close(nghttp2_session*, std::int32_t id, std::uint32_t, void* user) {
  session_of(user).on_closed(id);
  return 0;
}

int on_frame_sent(nghttp2_session*, const nghttp2_frame* frame, void* user) {
  const bool may_end = frame->hd.type == NGHTTP2_DATA || frame->hd.type == NGHTTP2_HEADERS;
  if (may_end && (frame->hd.flags & NGHTTP2_FLAG_END_STREAM) != 0) {
    session_of(user).on_sent_end(frame->hd.stream_id);
  }
  if (frame->hd.type != NGHTTP2_RST_STREAM) return 0;
  if (frame->rst_stream.error_code == NGHTTP2_REFUSED_STREAM) session_of(user).on_refused();
  if (frame->rst_stream.error_code != NGHTTP2_NO_ERROR) session_of(user).count_reset();
  return 0;
}

int send_body_frame(nghttp2_session*, nghttp2_frame*, const std::uint8_t* head, std::size_t size,
                    nghttp2_data_source* source, void*) {
  auto& stream = *static_cast<Stream*>(source->ptr);
  return stream.session->send_body(stream, text_of(head, kFrameHeadBytes), size);
}

nghttp2_session_callbacks* make_callbacks() {
  nghttp2_session_callbacks* made = nullptr;
  if (::nghttp2_session_callbacks_new(&made) != 0) return nullptr;
  ::nghttp2_session_callbacks_set_on_begin_headers_callback(made, on_begin_headers);
  ::nghttp2_session_callbacks_set_on_header_callback(made, on_header);
  ::nghttp2_session_callbacks_set_on_invalid_header_callback(made, on_invalid_header);
  ::nghttp2_session_callbacks_set_on_begin_frame_callback(made, on_begin_frame);
  ::nghttp2_session_callbacks_set_on_frame_recv_callback(made, on_frame);
  ::nghttp2_session_callbacks_set_on_data_chunk_recv_callback(made, on_data_chunk);
  ::nghttp2_session_callbacks_set_on_stream_close_callback(made, on_stream_close);
  ::nghttp2_session_callbacks_set_on_frame_send_callback(made, on_frame_sent);
  ::nghttp2_session_callbacks_set_send_data_callback(made, send_body_frame);
  return made;
}

nghttp2_option* make_options() {
  nghttp2_option* made = nullptr;
  if (::nghttp2_option_new(&made) != 0) return nullptr;
  ::nghttp2_option_set_no_auto_window_update(made, 1);
  ::nghttp2_option_set_no_closed_streams(made, 1);
  ::nghttp2_option_set_max_settings(made, 32);
  ::nghttp2_option_set_max_outbound_ack(made, 100);
  return made;
}
}  // namespace

nghttp2_session_callbacks* callbacks() {
  static nghttp2_session_callbacks* const made = make_callbacks();
  return made;
}

nghttp2_option* options() {
  static nghttp2_option* const made = make_options();
  return made;
}

}  // namespace ecluse::gateway::http2
