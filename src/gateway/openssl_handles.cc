#include "gateway/openssl_handles.h"

#include <fmt/format.h>
#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>

namespace ecluse::gateway {

void OpensslFree::operator()(bio_st* p) const {
  ::BIO_free_all(p);
}
void OpensslFree::operator()(evp_pkey_st* p) const {
  ::EVP_PKEY_free(p);
}
void OpensslFree::operator()(ssl_ctx_st* p) const {
  ::SSL_CTX_free(p);
}
void OpensslFree::operator()(ssl_st* p) const {
  ::SSL_free(p);
}
void OpensslFree::operator()(x509_st* p) const {
  ::X509_free(p);
}
void OpensslFree::operator()(X509_req_st* p) const {
  ::X509_REQ_free(p);
}

Error openssl_error(std::string_view what) {
  const unsigned long code = ::ERR_peek_last_error();
  const char* const reason = code == 0 ? nullptr : ::ERR_reason_error_string(code);
  ::ERR_clear_error();
  return {ErrorKind::kInvalid,
          fmt::format("{}: {}", what, reason == nullptr ? "OpenSSL gave no reason" : reason)};
}

Result<KeyHandle> make_key() {
  KeyHandle key(::EVP_EC_gen("P-256"));
  if (!key) return fail(openssl_error("make a private key"));
  return key;
}

namespace {
Result<std::string> text_of(const BioHandle& bio) {
  char* bytes = nullptr;
  const long size = ::BIO_get_mem_data(bio.get(), &bytes);
  if (size <= 0) return fail(openssl_error("write PEM"));
  return std::string(bytes, static_cast<std::size_t>(size));
}

BioHandle reader_of(std::string_view text) {
  return BioHandle(::BIO_new_mem_buf(text.data(), static_cast<int>(text.size())));
}

/// Without it OpenSSL would ask for a passphrase on the terminal.
int no_passphrase(char*, int, int, void*) {
  return -1;
}
}  // namespace

Result<std::string> key_pem(const KeyHandle& key) {
  const BioHandle bio(::BIO_new(::BIO_s_secmem()));
  if (!bio || ::PEM_write_bio_PrivateKey(bio.get(), key.get(), nullptr, nullptr, 0, nullptr,
                                         nullptr) != 1) {
    return fail(openssl_error("write a private key"));
  }
  return text_of(bio);
}

Result<KeyHandle> parse_key(std::string_view pem) {
  const BioHandle bio = reader_of(pem);
  KeyHandle key(::PEM_read_bio_PrivateKey(bio.get(), nullptr, no_passphrase, nullptr));
  if (!key) return fail(openssl_error("it is no private key in PEM without a passphrase"));
  return key;
}

Result<std::string> certificate_pem(const CertificateHandle& certificate) {
  const BioHandle bio(::BIO_new(::BIO_s_mem()));
  if (!bio || ::PEM_write_bio_X509(bio.get(), certificate.get()) != 1) {
    return fail(openssl_error("write a certificate"));
  }
  return text_of(bio);
}

Result<CertificateHandle> parse_certificate(std::string_view pem) {
  const BioHandle bio = reader_of(pem);
  CertificateHandle certificate(::PEM_read_bio_X509(bio.get(), nullptr, no_passphrase, nullptr));
  if (!certificate) return fail(openssl_error("it is no certificate in PEM"));
  return certificate;
}

}  // namespace ecluse::gateway
