#include "gateway/acme_jws.h"

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/sha.h>
#include <sodium.h>

#include <array>
#include <nlohmann/json.hpp>
#include <vector>

namespace ecluse::gateway {

namespace {
using nlohmann::json;
constexpr int kCoordinateBytes = 32;  // of P-256
using Coordinate = std::array<unsigned char, kCoordinateBytes>;

struct FreeNumber {
  void operator()(BIGNUM* number) const { ::BN_free(number); }
};
struct FreeSignature {
  void operator()(ECDSA_SIG* signature) const { ::ECDSA_SIG_free(signature); }
};
struct FreeDigest {
  void operator()(EVP_MD_CTX* context) const { ::EVP_MD_CTX_free(context); }
};

Result<std::string> coordinate(const KeyHandle& key, const char* name) {
  BIGNUM* number = nullptr;
  const bool is_there = ::EVP_PKEY_get_bn_param(key.get(), name, &number) == 1;
  const std::unique_ptr<BIGNUM, FreeNumber> owned(number);
  Coordinate bytes{};
  if (!is_there || ::BN_bn2binpad(number, bytes.data(), kCoordinateBytes) != kCoordinateBytes) {
    return fail(openssl_error("read the account's public key"));
  }
  return base64url(bytes);
}
}  // namespace

std::string base64url(std::span<const unsigned char> bytes) {
  constexpr int kVariant = sodium_base64_VARIANT_URLSAFE_NO_PADDING;
  std::string text(sodium_base64_encoded_len(bytes.size(), kVariant), '\0');
  sodium_bin2base64(text.data(), text.size(), bytes.data(), bytes.size(), kVariant);
  text.pop_back();  // the final NUL
  return text;
}

std::string base64url(std::string_view text) {
  return base64url(std::span(reinterpret_cast<const unsigned char*>(text.data()), text.size()));
}

Result<std::string> jwk_of(const KeyHandle& key) {
  ECLUSE_ASSIGN(const std::string x, coordinate(key, OSSL_PKEY_PARAM_EC_PUB_X));
  ECLUSE_ASSIGN(const std::string y, coordinate(key, OSSL_PKEY_PARAM_EC_PUB_Y));
  // nlohmann's objects are sorted by name and dumped without spaces: the canonical form.
  return json{{"crv", "P-256"}, {"kty", "EC"}, {"x", x}, {"y", y}}.dump();
}

Result<std::string> thumbprint_of(const KeyHandle& key) {
  ECLUSE_ASSIGN(const std::string jwk, jwk_of(key));
  std::array<unsigned char, SHA256_DIGEST_LENGTH> digest{};
  ::SHA256(reinterpret_cast<const unsigned char*>(jwk.data()), jwk.size(), digest.data());
  return base64url(digest);
}

namespace {
/// ES256's form of a signature: both numbers at full length, where OpenSSL writes DER.
Result<std::string> es256(const KeyHandle& key, const std::string& text) {
  const std::unique_ptr<EVP_MD_CTX, FreeDigest> context(::EVP_MD_CTX_new());
  const auto* const bytes = reinterpret_cast<const unsigned char*>(text.data());
  std::size_t size = 0;
  if (!context ||
      ::EVP_DigestSignInit(context.get(), nullptr, ::EVP_sha256(), nullptr, key.get()) != 1 ||
      ::EVP_DigestSign(context.get(), nullptr, &size, bytes, text.size()) != 1) {
    return fail(openssl_error("sign a message"));
  }
  std::vector<unsigned char> der(size);
  if (::EVP_DigestSign(context.get(), der.data(), &size, bytes, text.size()) != 1) {
    return fail(openssl_error("sign a message"));
  }
  const unsigned char* in = der.data();
  const std::unique_ptr<ECDSA_SIG, FreeSignature> numbers(
      ::d2i_ECDSA_SIG(nullptr, &in, static_cast<long>(size)));
  std::array<unsigned char, 2 * kCoordinateBytes> both{};
  if (!numbers ||
      ::BN_bn2binpad(::ECDSA_SIG_get0_r(numbers.get()), both.data(), kCoordinateBytes) !=
          kCoordinateBytes ||
      ::BN_bn2binpad(::ECDSA_SIG_get0_s(numbers.get()), both.data() + kCoordinateBytes,
                     kCoordinateBytes) != kCoordinateBytes) {
    return fail(openssl_error("sign a message"));
  }
  return base64url(both);
}
}  // namespace

Result<std::string> sign_jws(const KeyHandle& key, const JwsHeader& header,
                             std::string_view payload) {
  json protected_header{{"alg", "ES256"}, {"nonce", header.nonce}, {"url", header.url}};
  if (header.account.empty()) {
    ECLUSE_ASSIGN(const std::string jwk, jwk_of(key));
    protected_header["jwk"] = json::parse(jwk);
  } else {
    protected_header["kid"] = header.account;
  }
  const std::string head = base64url(protected_header.dump());
  const std::string body = base64url(payload);
  ECLUSE_ASSIGN(const std::string signature, es256(key, head + "." + body));
  return json{{"protected", head}, {"payload", body}, {"signature", signature}}.dump();
}

}  // namespace ecluse::gateway
