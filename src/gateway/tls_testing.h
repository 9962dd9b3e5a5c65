#pragma once
// A TLS client of exact bytes for the tests of this folder, and certificates to serve.

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "gateway/openssl_handles.h"
#include "os/fd.h"

struct ssl_session_st;

namespace ecluse::gateway::testing {

enum class TlsVersion { kAny, k11, k12, k13 };

struct TlsWishes {
  std::string server_name = "a";  ///< empty: none is sent
  std::vector<std::string> protocols = {"http/1.1"};
  TlsVersion version = TlsVersion::kAny;
  std::filesystem::path trusted;  ///< empty: any certificate will do
  std::shared_ptr<ssl_session_st> session = nullptr;
};

class TlsClient {
 public:
  explicit TlsClient(std::uint16_t port, TlsWishes wishes = {});
  ~TlsClient();

  bool is_connected() const { return is_connected_; }
  /// Why the handshake failed, as OpenSSL calls it: the alert, if one came.
  const std::string& failure() const { return failure_; }
  std::string version() const;
  std::string protocol() const;  ///< that ALPN chose
  bool was_resumed() const;
  /// The names of the certificate that was shown.
  std::vector<std::string> names() const;
  std::string certificate() const;  ///< as PEM
  /// To resume by; TLS 1.3 sends it behind the handshake, so read an answer first.
  std::shared_ptr<ssl_session_st> session() const;
  /// Asks for a renegotiation (TLS 1.2) and whether the connection survived it.
  bool renegotiates();

  bool send(std::string_view bytes);
  /// At least one byte, or empty at the end.
  std::string read_some();
  /// One answer with a Content-Length.
  std::string read_answer();
  std::string read_to_end();
  /// Says its end, and is gone: what is still sent to it is refused.
  void leave();
  /// The end was said by close_notify, not by a bare close.
  bool ended_cleanly() const { return ended_cleanly_; }

 private:
  os::Fd fd_;
  TlsContextHandle context_;
  TlsHandle ssl_;
  std::shared_ptr<ssl_session_st> session_;
  std::string received_;
  std::string failure_;
  bool is_connected_ = false;
  bool ended_cleanly_ = false;
};

/// Writes NAME.pem and NAME.key for `host` into `folder`: self-signed, valid for a day.
void write_certificate(const std::filesystem::path& folder, const std::string& name,
                       const std::string& host);

}  // namespace ecluse::gateway::testing
