#include "gateway/certificate_maker.h"

#include <arpa/inet.h>
#include <openssl/evp.h>
#include <openssl/rand.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include <ctime>

namespace ecluse::gateway {

namespace {
struct FreeNames {
  void operator()(GENERAL_NAMES* names) const { ::GENERAL_NAMES_free(names); }
};
using NamesHandle = std::unique_ptr<GENERAL_NAMES, FreeNames>;
struct FreeString {
  void operator()(ASN1_STRING* text) const { ::ASN1_STRING_free(text); }
};
using StringHandle = std::unique_ptr<ASN1_STRING, FreeString>;
struct FreeObject {
  void operator()(ASN1_OBJECT* object) const { ::ASN1_OBJECT_free(object); }
};
using ObjectHandle = std::unique_ptr<ASN1_OBJECT, FreeObject>;

/// An address as the bytes of a certificate, or nothing when `host` is a name.
std::string address_bytes(const std::string& host) {
  std::string bytes(16, '\0');
  if (::inet_pton(AF_INET6, host.c_str(), bytes.data()) == 1) return bytes;
  bytes.resize(4);
  return ::inet_pton(AF_INET, host.c_str(), bytes.data()) == 1 ? bytes : std::string();
}

bool add_name(GENERAL_NAMES* names, const std::string& host) {
  const std::string address = address_bytes(host);
  const std::string& text = address.empty() ? host : address;
  StringHandle value(
      ::ASN1_STRING_type_new(address.empty() ? V_ASN1_IA5STRING : V_ASN1_OCTET_STRING));
  GENERAL_NAME* const name = ::GENERAL_NAME_new();
  if (!value || name == nullptr ||
      ::ASN1_STRING_set(value.get(), text.data(), static_cast<int>(text.size())) != 1 ||
      sk_GENERAL_NAME_push(names, name) == 0) {
    ::GENERAL_NAME_free(name);
    return false;
  }
  ::GENERAL_NAME_set0_value(name, address.empty() ? GEN_DNS : GEN_IPADD, value.release());
  return true;
}

NamesHandle names_of(std::span<const std::string> hosts) {
  NamesHandle names(::GENERAL_NAMES_new());
  for (const std::string& host : hosts) {
    if (!names || !add_name(names.get(), host)) return nullptr;
  }
  return names;
}

bool add_extension(X509* certificate, X509* issuer, int nid, const char* value) {
  X509V3_CTX context;
  ::X509V3_set_ctx(&context, issuer, certificate, nullptr, nullptr, 0);
  X509_EXTENSION* const extension = ::X509V3_EXT_conf_nid(nullptr, &context, nid, value);
  const bool added = extension != nullptr && ::X509_add_ext(certificate, extension, -1) == 1;
  ::X509_EXTENSION_free(extension);
  return added;
}

bool set_serial(X509* certificate) {
  std::array<unsigned char, 16> serial{};
  if (::RAND_bytes(serial.data(), static_cast<int>(serial.size())) != 1) return false;
  serial[0] = static_cast<unsigned char>((serial[0] & 0x7f) | 0x40);  // positive, never shorter
  BIGNUM* const number = ::BN_bin2bn(serial.data(), static_cast<int>(serial.size()), nullptr);
  const bool is_set = number != nullptr &&
                      ::BN_to_ASN1_INTEGER(number, ::X509_get_serialNumber(certificate)) != nullptr;
  ::BN_free(number);
  return is_set;
}

bool set_common_name(X509_NAME* name, const std::string& text) {
  // A common name holds 64 characters; clients look at the alternative names anyway.
  const std::string cut = text.substr(0, 64);
  return ::X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_UTF8,
                                      reinterpret_cast<const unsigned char*>(cut.data()),
                                      static_cast<int>(cut.size()), -1, 0) == 1;
}

/// What all our certificates have; the extensions and the signature are still to come.
CertificateHandle begin_certificate(const KeyHandle& key, const std::string& name,
                                    Validity validity) {
  CertificateHandle certificate(::X509_new());
  const auto from = static_cast<std::time_t>(validity.from_s);
  const auto to = static_cast<std::time_t>(validity.to_s);
  if (!certificate || ::X509_set_version(certificate.get(), X509_VERSION_3) != 1 ||
      !set_serial(certificate.get()) ||
      ::ASN1_TIME_set(::X509_getm_notBefore(certificate.get()), from) == nullptr ||
      ::ASN1_TIME_set(::X509_getm_notAfter(certificate.get()), to) == nullptr ||
      ::X509_set_pubkey(certificate.get(), key.get()) != 1 ||
      !set_common_name(::X509_get_subject_name(certificate.get()), name)) {
    return nullptr;
  }
  return certificate;
}

bool sign(X509* certificate, X509* issuer, evp_pkey_st* key) {
  return ::X509_set_issuer_name(certificate, ::X509_get_subject_name(issuer)) == 1 &&
         ::X509_sign(certificate, key, ::EVP_sha256()) > 0;
}
}  // namespace

Result<CertificateHandle> make_authority(const KeyHandle& key, const std::string& name,
                                         Validity validity) {
  CertificateHandle made = begin_certificate(key, name, validity);
  X509* const raw = made.get();
  if (!made || !add_extension(raw, raw, NID_basic_constraints, "critical,CA:TRUE,pathlen:0") ||
      !add_extension(raw, raw, NID_key_usage, "critical,keyCertSign,cRLSign") ||
      !add_extension(raw, raw, NID_subject_key_identifier, "hash") || !sign(raw, raw, key.get())) {
    return fail(openssl_error("make the local authority's certificate"));
  }
  return made;
}

Result<CertificateHandle> make_leaf(const KeyHandle& key, std::span<const std::string> hosts,
                                    Validity validity, const CertificateHandle& authority,
                                    const KeyHandle& authority_key) {
  if (hosts.empty()) return fail(ErrorKind::kInvalid, "a certificate needs a host");
  CertificateHandle made = begin_certificate(key, hosts.front(), validity);
  const NamesHandle names = names_of(hosts);
  X509* const raw = made.get();
  X509* const issuer = authority.get();
  if (!made || !names ||
      ::X509_add1_ext_i2d(raw, NID_subject_alt_name, names.get(), 0, X509V3_ADD_DEFAULT) != 1 ||
      !add_extension(raw, issuer, NID_basic_constraints, "critical,CA:FALSE") ||
      !add_extension(raw, issuer, NID_key_usage, "critical,digitalSignature") ||
      !add_extension(raw, issuer, NID_ext_key_usage, "serverAuth") ||
      !add_extension(raw, issuer, NID_authority_key_identifier, "keyid:always") ||
      !sign(raw, issuer, authority_key.get())) {
    return fail(openssl_error("make a certificate"));
  }
  return made;
}

Result<std::vector<unsigned char>> make_request(const KeyHandle& key, const std::string& host) {
  const RequestHandle request(::X509_REQ_new());
  const NamesHandle names = names_of(std::span(&host, 1));
  STACK_OF(X509_EXTENSION)* extensions = nullptr;
  const bool is_built = request && names &&
                        ::X509V3_add1_i2d(&extensions, NID_subject_alt_name, names.get(), 0,
                                          X509V3_ADD_DEFAULT) == 1 &&
                        ::X509_REQ_add_extensions(request.get(), extensions) == 1 &&
                        ::X509_REQ_set_pubkey(request.get(), key.get()) == 1 &&
                        ::X509_REQ_sign(request.get(), key.get(), ::EVP_sha256()) > 0;
  sk_X509_EXTENSION_pop_free(extensions, ::X509_EXTENSION_free);
  if (!is_built) return fail(openssl_error("make a certificate request"));
  const int size = ::i2d_X509_REQ(request.get(), nullptr);
  std::vector<unsigned char> der(static_cast<std::size_t>(std::max(size, 0)));
  unsigned char* out = der.data();
  if (size <= 0 || ::i2d_X509_REQ(request.get(), &out) != size) {
    return fail(openssl_error("write a certificate request"));
  }
  return der;
}

namespace {
bool add_acme_identifier(X509* certificate, std::span<const unsigned char, 32> digest) {
  const ObjectHandle kind(::OBJ_txt2obj("1.3.6.1.5.5.7.1.31", 1));
  const StringHandle value(::ASN1_STRING_type_new(V_ASN1_OCTET_STRING));
  std::array<unsigned char, 34> der{4, 32};  // the digest as a DER octet string
  std::copy(digest.begin(), digest.end(), der.begin() + 2);
  if (!kind || !value ||
      ::ASN1_STRING_set(value.get(), der.data(), static_cast<int>(der.size())) != 1) {
    return false;
  }
  X509_EXTENSION* const extension =
      ::X509_EXTENSION_create_by_OBJ(nullptr, kind.get(), 1, value.get());
  const bool added = extension != nullptr && ::X509_add_ext(certificate, extension, -1) == 1;
  ::X509_EXTENSION_free(extension);
  return added;
}
}  // namespace

Result<CertificateHandle> make_challenge(const KeyHandle& key, const std::string& host,
                                         std::span<const unsigned char, 32> digest) {
  constexpr std::int64_t kHourS = 3600;
  const std::int64_t now_s = std::time(nullptr);
  CertificateHandle made = begin_certificate(key, host, {now_s - kHourS, now_s + 24 * kHourS});
  const NamesHandle names = names_of(std::span(&host, 1));
  X509* const raw = made.get();
  if (!made || !names ||
      ::X509_add1_ext_i2d(raw, NID_subject_alt_name, names.get(), 0, X509V3_ADD_DEFAULT) != 1 ||
      !add_acme_identifier(raw, digest) || !sign(raw, raw, key.get())) {
    return fail(openssl_error("make a challenge certificate"));
  }
  return made;
}

namespace {
std::int64_t seconds_of(const ASN1_TIME* time) {
  tm parts{};
  return ::ASN1_TIME_to_tm(time, &parts) == 1 ? static_cast<std::int64_t>(::timegm(&parts)) : 0;
}
}  // namespace

Result<CertificateFacts> read_certificate(std::string_view pem) {
  ECLUSE_ASSIGN(const CertificateHandle certificate, parse_certificate(pem));
  CertificateFacts facts;
  facts.validity = {seconds_of(::X509_get0_notBefore(certificate.get())),
                    seconds_of(::X509_get0_notAfter(certificate.get()))};
  const NamesHandle names(static_cast<GENERAL_NAMES*>(
      ::X509_get_ext_d2i(certificate.get(), NID_subject_alt_name, nullptr, nullptr)));
  for (int i = 0; names && i < sk_GENERAL_NAME_num(names.get()); ++i) {
    int kind = 0;
    const void* const value =
        ::GENERAL_NAME_get0_value(sk_GENERAL_NAME_value(names.get(), i), &kind);
    if (kind != GEN_DNS) continue;
    const auto* const text = static_cast<const ASN1_IA5STRING*>(value);
    facts.names.emplace_back(reinterpret_cast<const char*>(::ASN1_STRING_get0_data(text)),
                             static_cast<std::size_t>(::ASN1_STRING_length(text)));
  }
  return facts;
}

}  // namespace ecluse::gateway
