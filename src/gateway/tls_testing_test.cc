#include "gateway/tls_testing.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/time.h>

#include <ctime>

#include "gateway/certificate_maker.h"
#include "gateway/testing.h"
#include "os/file.h"

namespace ecluse::gateway::testing {

namespace {
os::Fd connect_to(std::uint16_t port) {
  os::Fd fd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  const timeval patience{.tv_sec = kPatience.count(), .tv_usec = 0};
  ::setsockopt(fd.get(), SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
  if (::connect(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
    ADD_FAILURE() << "cannot connect to port " << port;
  }
  return fd;
}

/// OpenSSL writes to a bare socket: one that the gateway has closed is an error and no end of us.
class QuietPipe {
 public:
  QuietPipe() {
    ::sigemptyset(&pipe_);
    ::sigaddset(&pipe_, SIGPIPE);
    ::pthread_sigmask(SIG_BLOCK, &pipe_, &former_);
  }
  ~QuietPipe() {
    const timespec at_once{};
    (void)::sigtimedwait(&pipe_, nullptr, &at_once);  // most often none is there
    ::pthread_sigmask(SIG_SETMASK, &former_, nullptr);
  }
  QuietPipe(const QuietPipe&) = delete;
  QuietPipe& operator=(const QuietPipe&) = delete;

 private:
  sigset_t pipe_{};
  sigset_t former_{};
};

int number_of(TlsVersion version) {
  switch (version) {
    case TlsVersion::kAny:
      return 0;
    case TlsVersion::k11:
      return TLS1_1_VERSION;
    case TlsVersion::k12:
      return TLS1_2_VERSION;
    case TlsVersion::k13:
      return TLS1_3_VERSION;
  }
  return 0;
}

std::string wire_of(const std::vector<std::string>& protocols) {
  std::string wire;
  for (const std::string& protocol : protocols) {
    wire += static_cast<char>(protocol.size());
    wire += protocol;
  }
  return wire;
}

std::string newest_reason() {
  const unsigned long code = ::ERR_peek_last_error();
  const char* const reason = ::ERR_reason_error_string(code);
  return reason == nullptr ? "closed" : reason;
}

int keep_session(SSL* ssl, SSL_SESSION* session) {
  auto* const kept = static_cast<std::shared_ptr<SSL_SESSION>*>(::SSL_get_ex_data(ssl, 0));
  kept->reset(session, ::SSL_SESSION_free);
  return 1;
}
}  // namespace

TlsClient::TlsClient(std::uint16_t port, TlsWishes wishes)
    : fd_(connect_to(port)), context_(::SSL_CTX_new(::TLS_client_method())) {
  ::ERR_clear_error();
  ::SSL_CTX_set_security_level(context_.get(), 0);  // TLS 1.1 is to be refused by the other side
  ::SSL_CTX_set_cipher_list(context_.get(), "ALL");
  ::SSL_CTX_set_min_proto_version(context_.get(), number_of(wishes.version));
  ::SSL_CTX_set_max_proto_version(context_.get(), number_of(wishes.version));
  ::SSL_CTX_set_session_cache_mode(context_.get(),
                                   SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL_STORE);
  ::SSL_CTX_sess_set_new_cb(context_.get(), keep_session);
  if (!wishes.trusted.empty()) {
    ::SSL_CTX_load_verify_file(context_.get(), wishes.trusted.c_str());
    ::SSL_CTX_set_verify(context_.get(), SSL_VERIFY_PEER, nullptr);
    // A test's certificate is trusted itself, without the authority that signed it.
    ::X509_VERIFY_PARAM_set_flags(::SSL_CTX_get0_param(context_.get()), X509_V_FLAG_PARTIAL_CHAIN);
  }
  ssl_.reset(::SSL_new(context_.get()));
  ::SSL_set_ex_data(ssl_.get(), 0, &session_);
  ::SSL_set_fd(ssl_.get(), fd_.get());
  if (!wishes.server_name.empty()) {
    ::SSL_set_tlsext_host_name(ssl_.get(), wishes.server_name.c_str());
    ::SSL_set1_host(ssl_.get(), wishes.server_name.c_str());
  }
  const std::string wire = wire_of(wishes.protocols);
  if (!wire.empty()) {
    ::SSL_set_alpn_protos(ssl_.get(), reinterpret_cast<const unsigned char*>(wire.data()),
                          static_cast<unsigned>(wire.size()));
  }
  if (wishes.session) ::SSL_set_session(ssl_.get(), wishes.session.get());
  const QuietPipe quiet;
  is_connected_ = ::SSL_connect(ssl_.get()) == 1;
  if (!is_connected_) failure_ = newest_reason();
}

/// As if both sides had said goodbye: otherwise OpenSSL takes the session for a broken one.
TlsClient::~TlsClient() {
  ::SSL_set_shutdown(ssl_.get(), SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN);
}

std::string TlsClient::version() const {
  return ::SSL_get_version(ssl_.get());
}

std::string TlsClient::protocol() const {
  const unsigned char* name = nullptr;
  unsigned bytes = 0;
  ::SSL_get0_alpn_selected(ssl_.get(), &name, &bytes);
  return {reinterpret_cast<const char*>(name), bytes};
}

bool TlsClient::was_resumed() const {
  return ::SSL_session_reused(ssl_.get()) == 1;
}

std::string TlsClient::certificate() const {
  const CertificateHandle shown(::SSL_get1_peer_certificate(ssl_.get()));
  return shown ? certificate_pem(shown).value_or("") : "";
}

std::vector<std::string> TlsClient::names() const {
  const auto facts = read_certificate(certificate());
  return facts ? facts->names : std::vector<std::string>();
}

std::shared_ptr<SSL_SESSION> TlsClient::session() const {
  return session_;
}

bool TlsClient::renegotiates() {
  const QuietPipe quiet;
  return ::SSL_renegotiate(ssl_.get()) == 1 && ::SSL_do_handshake(ssl_.get()) == 1;
}

void TlsClient::leave() {
  (void)::SSL_shutdown(ssl_.get());
  fd_.reset();
}

bool TlsClient::send(std::string_view bytes) {
  const QuietPipe quiet;
  return ::SSL_write(ssl_.get(), bytes.data(), static_cast<int>(bytes.size())) ==
         static_cast<int>(bytes.size());
}

std::string TlsClient::read_some() {
  std::string chunk(65536, '\0');
  const QuietPipe quiet;
  const int n = ::SSL_read(ssl_.get(), chunk.data(), static_cast<int>(chunk.size()));
  ended_cleanly_ = n <= 0 && ::SSL_get_error(ssl_.get(), n) == SSL_ERROR_ZERO_RETURN;
  chunk.resize(static_cast<std::size_t>(std::max(n, 0)));
  return chunk;
}

std::string TlsClient::read_answer() {
  for (;;) {
    const std::size_t head = received_.find("\r\n\r\n");
    const std::size_t length = received_.find("Content-Length: ");
    if (head != std::string::npos && length < head) {
      const std::size_t end = head + 4 + std::stoul(received_.substr(length + 16));
      if (received_.size() >= end) {
        std::string answer = received_.substr(0, end);
        received_.erase(0, end);
        return answer;
      }
    }
    const std::string more = read_some();
    if (more.empty()) return {};
    received_ += more;
  }
}

std::string TlsClient::read_to_end() {
  for (std::string more = read_some(); !more.empty(); more = read_some()) received_ += more;
  return std::exchange(received_, {});
}

void write_certificate(const std::filesystem::path& folder, const std::string& name,
                       const std::string& host) {
  const std::int64_t now_s = std::time(nullptr);
  const auto key = make_key();
  const auto authority = make_authority(*key, "test", {now_s - 60, now_s + 86'400});
  const auto leaf =
      make_leaf(*key, std::vector{host}, {now_s - 60, now_s + 86'400}, *authority, *key);
  ASSERT_TRUE(os::replace_file(folder / (name + ".key"), *key_pem(*key), 0600));
  ASSERT_TRUE(os::replace_file(folder / (name + ".pem"), *certificate_pem(*leaf)));
}

}  // namespace ecluse::gateway::testing
