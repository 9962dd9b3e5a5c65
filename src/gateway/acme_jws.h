#pragma once
// The signed messages of ACME: JSON Web Signatures with ES256 (RFC 7515, 7517, 7518, 7638). Pure.

#include <span>
#include <string>
#include <string_view>

#include "base/result.h"
#include "gateway/openssl_handles.h"

namespace ecluse::gateway {

std::string base64url(std::span<const unsigned char> bytes);
std::string base64url(std::string_view text);

/// The public part of a P-256 key as a JSON object, in RFC 7638's canonical form.
Result<std::string> jwk_of(const KeyHandle& key);
/// RFC 7638: SHA-256 of the above.
Result<std::string> thumbprint_of(const KeyHandle& key);

/// What the protected header says besides alg; each a JSON text where it is JSON.
struct JwsHeader {
  std::string nonce;
  std::string url;
  std::string account;  ///< "kid"; empty: the key itself ("jwk"), as for a new account
};
/// The flattened serialization; an empty payload is a POST-as-GET (RFC 8555 section 6.3).
Result<std::string> sign_jws(const KeyHandle& key, const JwsHeader& header,
                             std::string_view payload);

}  // namespace ecluse::gateway
