#pragma once
// Certificates and requests as we make them: a local authority and what it signs, the request an
// ACME server wants, the certificate its TLS-ALPN-01 validation wants to see. Pure but for the
// random serial numbers; every key is on P-256.

#include <array>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "base/result.h"
#include "gateway/openssl_handles.h"

namespace ecluse::gateway {

struct Validity {
  std::int64_t from_s = 0;
  std::int64_t to_s = 0;  ///< seconds since 1970
};

/// A root that may sign leaves and nothing else (pathlen 0), called `name`.
Result<CertificateHandle> make_authority(const KeyHandle& key, const std::string& name,
                                         Validity validity);
/// A server's certificate for `hosts` (names, "*.x", or addresses), signed by the authority.
Result<CertificateHandle> make_leaf(const KeyHandle& key, std::span<const std::string> hosts,
                                    Validity validity, const CertificateHandle& authority,
                                    const KeyHandle& authority_key);
/// A certification request (PKCS #10) for `host` in DER.
Result<std::vector<unsigned char>> make_request(const KeyHandle& key, const std::string& host);
/// RFC 8737 section 3: self-signed, with the digest of the key authorization in acmeIdentifier.
Result<CertificateHandle> make_challenge(const KeyHandle& key, const std::string& host,
                                         std::span<const unsigned char, 32> digest);

struct CertificateFacts {
  std::vector<std::string> names;  ///< DNS names of the subject alternative names
  Validity validity;
};
/// Of the first certificate of a PEM text.
Result<CertificateFacts> read_certificate(std::string_view pem);

}  // namespace ecluse::gateway
