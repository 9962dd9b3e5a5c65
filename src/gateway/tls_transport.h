#pragma once
// TLS between a descriptor and its socket's bytes: the handshake, then records.

#include <memory>
#include <span>
#include <string_view>

#include "gateway/openssl_handles.h"
#include "gateway/socket.h"
#include "gateway/tls_table.h"

namespace ecluse::gateway {

class TlsTransport : public Transport {
 public:
  /// Null: out of memory, or the table has no certificate at all. `fd` must outlive it.
  static std::unique_ptr<TlsTransport> accept(int fd, std::shared_ptr<const TlsTable> table,
                                              bool offers_http2);

  /// Goes on with the handshake: kProgress when it is done, kBroken when it failed (the client has
  /// been told why, as far as TLS allows).
  Io handshake();
  /// ALPN chose "h2".
  bool speaks_http2() const;
  /// Only a validation server's handshake: nothing is served on it.
  bool is_challenge() const { return is_challenge_; }

  /// After the handshake. Whether the client may take us for `host` (lower case, no port): it named
  /// no server, or named this one, or was shown a certificate that covers it.
  bool covers(std::string_view host) const;

  ssize_t read(std::span<char> room) override;
  ssize_t write(std::span<const iovec> pieces, Next next) override;
  void note_events(std::uint32_t events) override;
  bool is_drained() const override;
  void end_sending() override;
  void close(bool reset) override;

  // For OpenSSL's callbacks.
  static const TlsTable* table_of(ssl_st* ssl);
  static int on_client_hello(ssl_st* ssl, int* alert, void* unused);
  static int on_alpn(ssl_st* ssl, const unsigned char** chosen, unsigned char* chosen_bytes,
                     const unsigned char* offered, unsigned offered_bytes, void* unused);
  ssize_t receive(char* room, std::size_t bytes);
  ssize_t transmit(const char* text, std::size_t bytes) const;

 private:
  TlsTransport(int fd, bool offers_http2) : fd_(fd), offers_http2_(offers_http2) {}
  Io verdict(int returned);
  ssize_t returned_as_system_call(int returned, std::size_t bytes);

  const int fd_;
  const bool offers_http2_;
  TlsHandle ssl_;
  std::shared_ptr<const TlsTable> table_;  ///< until the handshake is done
  bool is_challenge_ = false;
  bool ends_next_ = false;   ///< what is sent now may leave with the end
  bool is_drained_ = false;  ///< the last receive() was short: another would find nothing
  bool is_ending_ = false;   ///< behind what was received there is an end to be read
};

}  // namespace ecluse::gateway
