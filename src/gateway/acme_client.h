#pragma once
// An ACME client (RFC 8555): an account, an order, its validation, a certificate. Blocking; used by
// the certifier process only.

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/result.h"
#include "gateway/acme_files.h"
#include "gateway/openssl_handles.h"

namespace ecluse::gateway {

struct AcmeServer {
  std::string directory;  ///< https://...
  std::string trusted;    ///< a PEM file; empty: the system's authorities
  std::string contact;    ///< an e-mail address; may be empty
};

/// Makes a challenge visible on every thread of the gateway, or withdraws it. Fails if that did not
/// happen in time.
class AcmeResponder {
 public:
  AcmeResponder() = default;
  AcmeResponder(const AcmeResponder&) = delete;
  AcmeResponder& operator=(const AcmeResponder&) = delete;
  virtual ~AcmeResponder() = default;
  virtual Result<void> present(const AcmeChallenge& challenge) = 0;
  virtual void withdraw(const AcmeChallenge& challenge) = 0;
};

class AcmeClient {
 public:
  /// Reads the directory and opens the account of `account_key`, or makes it.
  /// Unavailable: the server does not answer; Refused: it does not want us.
  static Result<std::unique_ptr<AcmeClient>> open(AcmeServer server, KeyHandle account_key);
  ~AcmeClient();
  AcmeClient(const AcmeClient&) = delete;
  AcmeClient& operator=(const AcmeClient&) = delete;

  /// A certificate chain (PEM) for `host` and `key`, validated by `type` ("http-01" or
  /// "tls-alpn-01"). Waits for the server, within bounds.
  Result<std::string> issue(const std::string& host, const KeyHandle& key, const std::string& type,
                            AcmeResponder& responder);
  /// When a failure came with the server's word on when to come back: seconds from then; else 0.
  std::int64_t retry_after_s() const;

 private:
  class Wire;
  AcmeClient() = default;
  Result<void> open_account(const std::string& contact);
  Result<void> authorize(const std::string& url, const std::string& type, AcmeResponder& responder);
  Result<void> await_authorization(const std::string& url);
  Result<std::string> await_order(const std::string& url);

  std::unique_ptr<Wire> wire_;
};

/// What Retry-After says, as seconds from now; 0 when it says nothing.
std::int64_t parse_retry_after(const std::string& value, std::int64_t now_s);

}  // namespace ecluse::gateway
