// Static folders of a release, served without asking the app.
#include <fmt/format.h>
#include <sys/sendfile.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "gateway/head_writer.h"
#include "gateway/kernel_features.h"
#include "gateway/worker_thread.h"

namespace ecluse::gateway {

namespace {
/// Up to this a file joins its head in one write; beyond it the kernel copies.
constexpr std::uint64_t kJoinedBytesMax = 16384;
constexpr std::size_t kPieceBytes = 512 * 1024;  ///< then others have a turn

void write_head(const StaticFile& file, const Share& share, HeadWriter& out) {
  const bool is_whole = share.status == 200;
  out.field("ETag", file.entity_tag).field("Last-Modified", file.modified);
  out.text("Cache-Control: no-cache\r\nX-Content-Type-Options: nosniff\r\n");
  if (file.varies) out.text("Vary: Accept-Encoding\r\n");
  if (share.status == 304) return;
  out.text("Accept-Ranges: bytes\r\n").field("Content-Type", file.type);
  if (!file.encoding.empty()) out.field("Content-Encoding", file.encoding);
  out.field("Content-Length", share.end - share.begin);
  if (is_whole) return;
  out.text("Content-Range: bytes ").number(share.begin).text("-").number(share.end - 1);
  out.text("/").number(file.bytes).text("\r\n");
}

std::optional<StaticFile> file_of(const ArmRoute& arm, const http1::Request& request) {
  const FolderRoute* const folder = folder_for(arm.folders, request.target);
  if (folder == nullptr) return std::nullopt;
  const auto name = relative_name(request.target, folder->prefix);
  return name ? open_static(*folder, *name, request.fields) : std::nullopt;
}
}  // namespace

/// True when the path belongs to a folder: it was answered, with a file or with why not. The judge
/// hears nothing of it: what no app had a part in would only water down what apps get wrong.
bool WorkerThread::serve_file(Client& client, const http1::Request& request, const SiteRoute& site,
                              const ArmRoute& arm) {
  if (folder_for(arm.folders, request.target) == nullptr) return false;
  if (request.method != "GET" && request.method != "HEAD") {
    answer_page(client, page_of(405), "Allow: GET, HEAD\r\n");
    return true;
  }
  client.release = arm.release;
  auto file = file_of(arm, request);
  const ArmRoute* const other =
      !file && client.facts.may_ask_other ? site.other_than(arm.release) : nullptr;
  if (other != nullptr) {
    client.release = other->release;
    file = file_of(*other, request);
  }
  if (client.note) note_file(client, site);
  if (!file) {
    answer_page(client, page_of(404));
    return true;
  }
  const Share share = share_of(request.method, request.fields, *file);
  if (share.status == 412) {
    answer_page(client, page_of(412));
  } else if (share.status == 416) {
    const std::string length = fmt::format("Content-Range: bytes */{}\r\n", file->bytes);
    answer_page(client, page_of(416), length);
  } else {
    begin_file(client, *file, share);
  }
  return true;
}

void WorkerThread::begin_file(Client& client, StaticFile& file, const Share& share) {
  Socket& socket = client.socket;
  HeadWriter out(socket.output_room(pool_));
  client.closes_after = client.closes_after || !client.exchange().up.source_is_consumed();
  out.text("HTTP/1.1 ").number(static_cast<std::uint64_t>(share.status)).text(" ");
  out.text(share.status == 200 ? "OK" : share.status == 206 ? "Partial Content" : "Not Modified");
  out.text("\r\n").field("Date", date());
  write_head(file, share, out);
  if (client.facts.shows_release) out.field("X-Ecluse-Release", client.release);
  if (client.facts.hsts_s > 0) {
    out.text("Strict-Transport-Security: max-age=").number(client.facts.hsts_s).text("\r\n");
  }
  if (client.closes_after) {
    out.text("Connection: close\r\n");
  } else if (client.facts.is_http10) {
    out.text("Connection: keep-alive\r\n");
  }
  out.end();
  if (out.overflowed()) return close_client(client);
  socket.produced(out.bytes());
  client.status = static_cast<std::uint16_t>(share.status);
  client.answer_started = true;
  if (client.note && !client.facts.is_head) client.note->bytes_out = share.end - share.begin;
  client.moved_at = now_;
  set_deadline(client, bounds_.stall_ms_max);
  client.phase = Phase::kFlush;
  if (client.facts.is_head || share.begin == share.end) return;
  client.file = std::make_unique<FileBody>(
      FileBody{std::move(file.fd), static_cast<off_t>(share.begin), share.end - share.begin});
  client.phase = Phase::kFile;
}

/// Sends what is left of the file; false when it waits for the client.
bool WorkerThread::run_file(Client& client) {
  FileBody& body = *client.file;
  const bool is_joined =
      body.left <= kJoinedBytesMax || client.socket.transport || !kernel_features().send_file;
  const Io io = is_joined ? copy_piece(client) : send_piece(client);
  if (io == Io::kBlocked) return false;
  if (io != Io::kProgress) {
    // The file is shorter than it was, or the client is gone: never a clean end.
    close_client(client, true);
    return false;
  }
  set_deadline(client, bounds_.stall_ms_max);
  if (body.left > 0) return true;
  client.file.reset();
  client.phase = Phase::kFlush;
  return true;
}

/// Through the output block: for small files, and where the kernel cannot send for us.
Io WorkerThread::copy_piece(Client& client) {
  FileBody& body = *client.file;
  std::span<char> room = client.socket.output_room(pool_);
  if (room.empty()) {
    const Io io = client.socket.flush(pool_);
    if (io != Io::kProgress) return io;
    room = client.socket.output_room(pool_);
  }
  const std::size_t wanted = std::min<std::uint64_t>(body.left, room.size());
  const ssize_t n = ::pread(body.fd.get(), room.data(), wanted, body.offset);
  if (n <= 0) return Io::kBroken;
  client.socket.produced(static_cast<std::size_t>(n));
  body.offset += n;
  body.left -= static_cast<std::uint64_t>(n);
  return body.left > 0 ? client.socket.flush(pool_) : Io::kProgress;
}

Io WorkerThread::send_piece(Client& client) {
  FileBody& body = *client.file;
  Socket& socket = client.socket;
  if (const Io io = socket.flush(pool_); io != Io::kProgress) return io;
  if (!socket.writable) return Io::kBlocked;
  const std::size_t wanted = std::min<std::uint64_t>(body.left, kPieceBytes);
  const ssize_t n = ::sendfile(socket.fd.get(), body.fd.get(), &body.offset, wanted);
  if (n < 0 && errno == EAGAIN) {
    socket.writable = false;
    return Io::kBlocked;
  }
  if (n <= 0) return Io::kBroken;
  body.left -= static_cast<std::uint64_t>(n);
  return Io::kProgress;
}

}  // namespace ecluse::gateway
