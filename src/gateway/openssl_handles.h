#pragma once
// OpenSSL's objects with an owner, and its error queue as one of our errors. The library's own
// headers are needed only by the .cc files that call it.

#include <memory>
#include <string>
#include <string_view>

#include "base/result.h"

struct bio_st;
struct evp_pkey_st;
struct ssl_ctx_st;
struct ssl_st;
struct x509_st;
struct X509_req_st;

namespace ecluse::gateway {

struct OpensslFree {
  void operator()(bio_st* p) const;
  void operator()(evp_pkey_st* p) const;
  void operator()(ssl_ctx_st* p) const;
  void operator()(ssl_st* p) const;
  void operator()(x509_st* p) const;
  void operator()(X509_req_st* p) const;
};
using BioHandle = std::unique_ptr<bio_st, OpensslFree>;
using KeyHandle = std::unique_ptr<evp_pkey_st, OpensslFree>;
using TlsContextHandle = std::unique_ptr<ssl_ctx_st, OpensslFree>;
using TlsHandle = std::unique_ptr<ssl_st, OpensslFree>;
using CertificateHandle = std::unique_ptr<x509_st, OpensslFree>;
using RequestHandle = std::unique_ptr<X509_req_st, OpensslFree>;

/// The reason of the newest failure on this thread, and an empty queue after it.
Error openssl_error(std::string_view what);

/// A new private key on P-256.
Result<KeyHandle> make_key();
/// PEM (PKCS #8) of a private key: a secret.
Result<std::string> key_pem(const KeyHandle& key);
/// Invalid: it is no private key, or one behind a passphrase.
Result<KeyHandle> parse_key(std::string_view pem);
Result<std::string> certificate_pem(const CertificateHandle& certificate);
/// The first certificate of a PEM text.
Result<CertificateHandle> parse_certificate(std::string_view pem);

}  // namespace ecluse::gateway
