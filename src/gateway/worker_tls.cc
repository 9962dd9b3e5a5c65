// Connections that begin with a TLS handshake, and what TLS asks of plain ones.
#include "gateway/http1_chars.h"
#include "gateway/tls_transport.h"
#include "gateway/worker_thread.h"

namespace ecluse::gateway {

/// False when there is no certificate to begin with: the connection is refused.
bool WorkerThread::begin_tls(Client& client) {
  auto tls =
      TlsTransport::accept(client.socket.fd.get(), table_->tls(), bounds_.http2_streams_max > 0);
  client.tls = tls.get();
  client.socket.transport = std::move(tls);
  client.is_secure = true;
  client.phase = Phase::kHandshake;
  return client.socket.transport != nullptr;
}

bool WorkerThread::run_handshake(Client& client) {
  auto& tls = static_cast<TlsTransport&>(*client.socket.transport);
  switch (tls.handshake()) {
    case Io::kProgress:
      break;
    case Io::kBlocked:
      if (client.socket.was_reset) close_client(client);
      return false;
    case Io::kEnd:
    case Io::kBroken:
      close_client(client);
      return false;
  }
  if (tls.is_challenge()) {
    close_client(client);
    return false;
  }
  if (tls.speaks_http2()) return begin_http2(client);
  client.phase = Phase::kHead;
  set_deadline(client, bounds_.head_ms_max);
  return true;
}

/// A validation server of ACME asks for a token of ours (RFC 8555 section 8.3), whatever the site
/// does otherwise. Tokens that are not ours go to the app.
bool WorkerThread::answer_challenge(Client& client, const http1::Request& request) {
  constexpr std::string_view kPrefix = "/.well-known/acme-challenge/";
  const auto& challenges = table_->tls()->http_challenges;
  if (challenges.empty() || !request.target.starts_with(kPrefix)) return false;
  const auto known = challenges.find(request.target.substr(kPrefix.size()));
  if (known == challenges.end()) return false;
  answer(client, {.status = 200}, "application/octet-stream", known->second);
  return true;
}

/// A connection made for one name asks for another that its certificate does not cover: the client
/// could not tell us from an impostor (RFC 9110 section 7.4). Alone, one certificate is for all.
bool WorkerThread::is_misdirected(const Client& client, std::string_view host) const {
  return client.tls != nullptr && !table_->tls()->catch_all && !client.tls->covers(host);
}

bool WorkerThread::redirects_to_https(const Client& client, const SiteRoute& site) const {
  return site.redirects_to_https && !client.is_secure && tls_port() != 0;
}

/// Of the first listener with TLS; 0: there is none. One that is let go of, because another process
/// serves or the gateway ends, is where https is all the same.
std::uint16_t WorkerThread::tls_port() const {
  for (const auto& listener : listeners_) {
    if (listener->is_tls) return listener->port;
  }
  return former_tls_port_;
}

}  // namespace ecluse::gateway
