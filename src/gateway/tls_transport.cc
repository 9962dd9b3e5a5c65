#include "gateway/tls_transport.h"

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/tls1.h>
#include <openssl/x509v3.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>

#include "gateway/http1_chars.h"

namespace ecluse::gateway {

namespace {
constexpr std::string_view kHttp2 = "\x02h2";
constexpr std::string_view kHttp1 = "\x08http/1.1";
constexpr std::string_view kAcme =
    "\x0a"
    "acme-tls/1";

TlsTransport& transport_of(BIO* bio) {
  return *static_cast<TlsTransport*>(::BIO_get_data(bio));
}

int bio_read(BIO* bio, char* room, int size) {
  ::BIO_clear_retry_flags(bio);
  const ssize_t n = transport_of(bio).receive(room, static_cast<std::size_t>(size));
  if (n < 0 && errno == EAGAIN) ::BIO_set_retry_read(bio);
  return static_cast<int>(n);
}

int bio_write(BIO* bio, const char* text, int size) {
  ::BIO_clear_retry_flags(bio);
  const ssize_t n = transport_of(bio).transmit(text, static_cast<std::size_t>(size));
  if (n < 0 && errno == EAGAIN) ::BIO_set_retry_write(bio);
  return static_cast<int>(n);
}

long bio_control(BIO*, int command, long, void*) {
  return command == BIO_CTRL_FLUSH ? 1 : 0;  // we keep nothing that could be flushed
}

const BIO_METHOD* socket_method() {
  static const BIO_METHOD* const method = [] {
    BIO_METHOD* const made =
        ::BIO_meth_new(::BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "ecluse socket");
    if (made == nullptr) return made;
    ::BIO_meth_set_read(made, bio_read);
    ::BIO_meth_set_write(made, bio_write);
    ::BIO_meth_set_ctrl(made, bio_control);
    return made;
  }();
  return method;
}

/// The bytes of one extension of the ClientHello; empty when it is not there.
std::string_view extension(SSL* ssl, unsigned type) {
  const unsigned char* bytes = nullptr;
  std::size_t size = 0;
  if (::SSL_client_hello_get0_ext(ssl, type, &bytes, &size) != 1) return {};
  return {reinterpret_cast<const char*>(bytes), size};
}

std::size_t number_at(std::string_view bytes, std::size_t at) {
  return static_cast<unsigned char>(bytes[at]) * 256U + static_cast<unsigned char>(bytes[at + 1]);
}

/// RFC 6066 section 3: a list of one host name. OpenSSL reads it again, and fails what is
/// malformed.
std::string_view server_name_in(std::string_view bytes) {
  constexpr std::size_t kHead = 5;  // list length, type, name length
  if (bytes.size() < kHead || bytes[2] != TLSEXT_NAMETYPE_host_name) return {};
  const std::size_t length = number_at(bytes, 3);
  return bytes.size() < kHead + length ? std::string_view() : bytes.substr(kHead, length);
}

/// Whether a list of length-prefixed names (RFC 7301 section 3.1) holds `wanted`, prefix included.
bool offers(std::string_view list, std::string_view wanted) {
  while (!list.empty()) {
    const std::size_t bytes =
        std::min<std::size_t>(1U + static_cast<unsigned char>(list[0]), list.size());
    if (list.substr(0, bytes) == wanted) return true;
    list.remove_prefix(bytes);
  }
  return false;
}

TlsTransport* connection_of(SSL* ssl) {
  return static_cast<TlsTransport*>(::SSL_get_ex_data(ssl, 0));  // set by accept()
}
}  // namespace

namespace {
/// Any will do: the name that the client sends chooses the right one. A gateway whose only site
/// still waits for its certificate has a challenge's.
SSL_CTX* first_context(const TlsTable& table) {
  if (table.catch_all) return table.catch_all.get();
  if (table.fallback) return table.fallback.get();
  return table.challenges.empty() ? nullptr : table.challenges.begin()->second.get();
}
}  // namespace

std::unique_ptr<TlsTransport> TlsTransport::accept(int fd, std::shared_ptr<const TlsTable> table,
                                                   bool offers_http2) {
  SSL_CTX* const first = first_context(*table);
  if (first == nullptr) return nullptr;
  std::unique_ptr<TlsTransport> made(new TlsTransport(fd, offers_http2));
  made->ssl_.reset(::SSL_new(first));
  BioHandle bio(::BIO_new(socket_method()));
  if (!made->ssl_ || !bio) return nullptr;
  ::BIO_set_data(bio.get(), made.get());
  ::BIO_set_init(bio.get(), 1);
  BIO* const both = bio.release();  // owned by the SSL from here on
  ::SSL_set_bio(made->ssl_.get(), both, both);
  ::SSL_set_ex_data(made->ssl_.get(), 0, made.get());
  ::SSL_set_accept_state(made->ssl_.get());
  made->table_ = std::move(table);
  return made;
}

void TlsTransport::note_events(std::uint32_t events) {
  is_drained_ = false;
  if ((events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR)) != 0) is_ending_ = true;
}

ssize_t TlsTransport::receive(char* room, std::size_t bytes) {
  if (is_drained_) {
    errno = EAGAIN;
    return -1;
  }
  ssize_t n = 0;
  do {
    n = ::recv(fd_, room, bytes, 0);
  } while (n < 0 && errno == EINTR);
  is_drained_ = n > 0 && static_cast<std::size_t>(n) < bytes && !is_ending_;
  return n;
}

ssize_t TlsTransport::transmit(const char* text, std::size_t bytes) const {
  ssize_t n = 0;
  do {
    n = ::send(fd_, text, bytes, MSG_NOSIGNAL | (ends_next_ ? MSG_MORE : 0));
  } while (n < 0 && errno == EINTR);
  return n;
}

const TlsTable* TlsTransport::table_of(SSL* ssl) {
  const TlsTransport* const connection = connection_of(ssl);
  return connection == nullptr ? nullptr : connection->table_.get();
}

/// Chooses the certificate by name before anything of it is sent.
int TlsTransport::on_client_hello(SSL* ssl, int* alert, void*) {
  TlsTransport& connection = *connection_of(ssl);
  const TlsTable& table = *connection.table_;
  const std::string_view name = server_name_in(extension(ssl, TLSEXT_TYPE_server_name));
  const std::string_view protocols =
      extension(ssl, TLSEXT_TYPE_application_layer_protocol_negotiation);
  SSL_CTX* context = nullptr;
  if (protocols.size() > 2 && offers(protocols.substr(2), kAcme)) {
    const auto challenge = table.challenges.find(name);
    if (challenge != table.challenges.end()) context = challenge->second.get();
    connection.is_challenge_ = context != nullptr;
  } else {
    context = name.empty() && table.fallback ? table.fallback.get() : table.find(name);
  }
  if (context == nullptr) {
    *alert = SSL_AD_UNRECOGNIZED_NAME;
    return SSL_CLIENT_HELLO_ERROR;
  }
  if (::SSL_get_SSL_CTX(ssl) != context) ::SSL_set_SSL_CTX(ssl, context);
  return SSL_CLIENT_HELLO_SUCCESS;
}

int TlsTransport::on_alpn(SSL* ssl, const unsigned char** chosen, unsigned char* chosen_bytes,
                          const unsigned char* offered, unsigned offered_bytes, void*) {
  const std::string_view list(reinterpret_cast<const char*>(offered), offered_bytes);
  const TlsTransport& transport = *connection_of(ssl);
  for (const std::string_view protocol : {kAcme, kHttp2, kHttp1}) {
    if ((protocol == kAcme) != transport.is_challenge_ || !offers(list, protocol)) continue;
    if (protocol == kHttp2 && !transport.offers_http2_) continue;
    *chosen = reinterpret_cast<const unsigned char*>(protocol.data()) + 1;
    *chosen_bytes = static_cast<unsigned char>(protocol.size() - 1);
    return SSL_TLSEXT_ERR_OK;
  }
  return SSL_TLSEXT_ERR_ALERT_FATAL;  // RFC 7301 section 3.2: never guess
}

Io TlsTransport::handshake() {
  ::ERR_clear_error();  // what is found in the queue below must be ours
  const int returned = ::SSL_do_handshake(ssl_.get());
  if (returned != 1) return verdict(returned);
  table_.reset();
  return Io::kProgress;
}

bool TlsTransport::covers(std::string_view host) const {
  const char* const name = ::SSL_get_servername(ssl_.get(), TLSEXT_NAMETYPE_host_name);
  if (name == nullptr || http1::equal_ignoring_case(name, host)) return true;
  X509* const shown = ::SSL_get_certificate(ssl_.get());
  return shown != nullptr && ::X509_check_host(shown, host.data(), host.size(), 0, nullptr) == 1;
}

bool TlsTransport::speaks_http2() const {
  const unsigned char* name = nullptr;
  unsigned size = 0;
  ::SSL_get0_alpn_selected(ssl_.get(), &name, &size);
  return std::string_view(reinterpret_cast<const char*>(name), size) == kHttp2.substr(1);
}

Io TlsTransport::verdict(int returned) {
  switch (::SSL_get_error(ssl_.get(), returned)) {
    case SSL_ERROR_WANT_READ:
    case SSL_ERROR_WANT_WRITE:
      return Io::kBlocked;
    case SSL_ERROR_ZERO_RETURN:
      return Io::kEnd;
    default:
      ::ERR_clear_error();
      return Io::kBroken;
  }
}

/// What recv() and send() would return, for those who know only them.
ssize_t TlsTransport::returned_as_system_call(int returned, std::size_t bytes) {
  if (returned == 1) return static_cast<ssize_t>(bytes);
  const Io io = verdict(returned);
  if (io == Io::kEnd) return 0;
  errno = io == Io::kBlocked ? EAGAIN : ECONNRESET;
  return -1;
}

ssize_t TlsTransport::read(std::span<char> room) {
  ::ERR_clear_error();
  std::size_t bytes = 0;
  const int returned = ::SSL_read_ex(ssl_.get(), room.data(), room.size(), &bytes);
  return returned_as_system_call(returned, bytes);
}

namespace {
constexpr std::size_t kRecordBytes = 16384;

/// One record carries what several pieces hold: `room` takes them when there is more than one.
std::string_view record_of(std::span<const iovec> pieces, std::span<char> room) {
  std::string_view first;
  std::size_t used = 0;
  for (const iovec& piece : pieces) {
    const std::string_view text(static_cast<const char*>(piece.iov_base), piece.iov_len);
    if (text.empty()) continue;
    if (first.empty()) {
      first = text.substr(0, kRecordBytes);
      continue;
    }
    if (first.size() == kRecordBytes) break;
    if (used == 0) used = first.copy(room.data(), first.size());
    used += text.copy(room.data() + used, room.size() - used);
  }
  return used == 0 ? first : std::string_view(room.data(), used);
}
}  // namespace

ssize_t TlsTransport::write(std::span<const iovec> pieces, Next next) {
  ends_next_ = next == Next::kEnd;
  ::ERR_clear_error();
  std::array<char, kRecordBytes> room;
  const std::string_view record = record_of(pieces, room);
  std::size_t bytes = 0;
  const int returned = ::SSL_write_ex(ssl_.get(), record.data(), record.size(), &bytes);
  const ssize_t taken = returned_as_system_call(returned, bytes);
  if (taken != 0) return taken;
  // OpenSSL calls it the client's clean end when one that has said its end is gone.
  errno = EPIPE;
  return -1;
}

bool TlsTransport::is_drained() const {
  return is_drained_ && ::SSL_has_pending(ssl_.get()) == 0;
}

void TlsTransport::end_sending() {
  ends_next_ = true;
  ::ERR_clear_error();
  (void)::SSL_shutdown(ssl_.get());  // best effort: a full buffer or a gone client lose it
  ::ERR_clear_error();
  (void)::shutdown(fd_, SHUT_WR);  // fails only if the client is gone already
}

void TlsTransport::close(bool reset) {
  if (!reset && ::SSL_is_init_finished(ssl_.get()) == 1) {
    ends_next_ = true;
    ::ERR_clear_error();
    (void)::SSL_shutdown(ssl_.get());  // close_notify: what was sent is all there is
    ::ERR_clear_error();
  }
  ssl_.reset();
}

}  // namespace ecluse::gateway
