#pragma once
// Which certificate answers for which name: an immutable table beside the routes, swapped with
// them.

#include <map>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/result.h"
#include "gateway/openssl_handles.h"
#include "gateway/ticket_keys.h"

namespace ecluse::gateway {

/// A certificate chain (the leaf first) and its private key, as PEM texts. `key` is a secret.
struct PemPair {
  std::string chain;
  std::string key;
};

/// Everything OpenSSL needs to answer as one certificate. Immutable, shared by threads and tables.
using TlsContext = std::shared_ptr<ssl_ctx_st>;

/// Invalid: not PEM, the key is of another certificate, or both are too weak to be served.
Result<TlsContext> make_tls_context(const PemPair& pem);

struct TlsTable {
  struct Names {
    std::unordered_map<std::string, TlsContext> exact;
    std::unordered_map<std::string, TlsContext> wildcards;  ///< by what follows the "*."
  };
  Names names;
  TlsContext fallback;  ///< for clients that name no host; null: they are refused
  /// Answers every name: the stand-alone form. Null otherwise.
  TlsContext catch_all;
  /// ACME's TLS-ALPN-01: certificates that only a validation server sees.
  std::map<std::string, TlsContext, std::less<>> challenges;
  /// Tokens of ACME's HTTP-01, and what a validation server wants to read there.
  std::map<std::string, std::string, std::less<>> http_challenges;
  TicketKeys tickets;

  void add(std::string_view host, const TlsContext& context);
  /// The context for a server name as the client sent it, in any case; null: nobody of ours.
  ssl_ctx_st* find(std::string_view server_name) const;
  bool is_empty() const { return names.exact.empty() && names.wildcards.empty() && !catch_all; }
};

}  // namespace ecluse::gateway
