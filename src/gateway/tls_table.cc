#include "gateway/tls_table.h"

#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/params.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/ssl.h>

#include <algorithm>
#include <array>

#include "gateway/http1_chars.h"
#include "gateway/tls_transport.h"

namespace ecluse::gateway {

namespace {
// Mozilla's "intermediate" list without finite-field Diffie-Hellman: forward secrecy and AEAD only.
constexpr const char* kCiphers12 =
    "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256:ECDHE-ECDSA-AES256-GCM-SHA384:"
    "ECDHE-RSA-AES256-GCM-SHA384:ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-RSA-CHACHA20-POLY1305";
constexpr const char* kGroups = "X25519:P-256:P-384";
/// Sessions of one certificate may be resumed under another of ours: all are one server.
constexpr std::string_view kSessionContext = "ecluse";

/// Fetched once: EVP_aes_256_cbc() would be looked up by name for every ticket.
const EVP_CIPHER* ticket_cipher() {
  static EVP_CIPHER* const cipher = ::EVP_CIPHER_fetch(nullptr, "AES-256-CBC", nullptr);
  return cipher;
}

/// RFC 5077 section 4's construction: AES-256-CBC under HMAC-SHA-256.
bool set_up_ticket(const TicketKey& key, unsigned char* iv, EVP_CIPHER_CTX* cipher,
                   EVP_MAC_CTX* mac, int seals) {
  char digest[] = "SHA256";
  std::array<OSSL_PARAM, 3> parameters{
      ::OSSL_PARAM_construct_octet_string(
          OSSL_MAC_PARAM_KEY, const_cast<unsigned char*>(key.mac.data()), key.mac.size()),
      ::OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, digest, 0),
      ::OSSL_PARAM_construct_end()};
  return ::EVP_CipherInit_ex(cipher, ticket_cipher(), nullptr, key.cipher.data(), iv, seals) == 1 &&
         ::EVP_MAC_CTX_set_params(mac, parameters.data()) == 1;
}

int ticket_key(SSL* ssl, unsigned char* name, unsigned char* iv, EVP_CIPHER_CTX* cipher,
               EVP_MAC_CTX* mac, int seals) {
  constexpr int kNoTicket = 0;
  constexpr int kUse = 1;
  constexpr int kUseAndRenew = 2;
  const TlsTable* const table = TlsTransport::table_of(ssl);
  if (table == nullptr) return kNoTicket;
  if (seals == 0) {
    const TicketKey* const key = table->tickets.find(name);
    if (key == nullptr || !set_up_ticket(*key, iv, cipher, mac, 0)) return kNoTicket;
    // In TLS 1.3 a ticket is used once (RFC 8446 appendix C.4): each visit leaves with a new one.
    const bool is_new = key == &table->tickets.newest() && ::SSL_version(ssl) < TLS1_3_VERSION;
    return is_new ? kUse : kUseAndRenew;
  }
  const TicketKey& key = table->tickets.newest();
  if (key.born_s == 0 || ::RAND_bytes(iv, EVP_MAX_IV_LENGTH) != 1) return kNoTicket;
  std::ranges::copy(key.name, name);
  return set_up_ticket(key, iv, cipher, mac, 1) ? kUse : kNoTicket;
}

bool configure(SSL_CTX* context) {
  ::SSL_CTX_set_options(context, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION |
                                     SSL_OP_CIPHER_SERVER_PREFERENCE | SSL_OP_PRIORITIZE_CHACHA |
                                     SSL_OP_IGNORE_UNEXPECTED_EOF);
  // Partial writes and moving buffers: our sender repeats with what is left, wherever it lies now.
  ::SSL_CTX_set_mode(context, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER |
                                  SSL_MODE_RELEASE_BUFFERS);
  ::SSL_CTX_set_read_ahead(context, 1);
  ::SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
  ::SSL_CTX_set_num_tickets(context, 1);
  ::SSL_CTX_set_tlsext_ticket_key_evp_cb(context, ticket_key);
  ::SSL_CTX_set_client_hello_cb(context, TlsTransport::on_client_hello, nullptr);
  ::SSL_CTX_set_alpn_select_cb(context, TlsTransport::on_alpn, nullptr);
  return ::SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION) == 1 &&
         ::SSL_CTX_set_cipher_list(context, kCiphers12) == 1 &&
         ::SSL_CTX_set1_groups_list(context, kGroups) == 1 &&
         ::SSL_CTX_set_session_id_context(
             context, reinterpret_cast<const unsigned char*>(kSessionContext.data()),
             static_cast<unsigned>(kSessionContext.size())) == 1;
}

int no_passphrase(char*, int, int, void*) {
  return -1;
}

/// The leaf, then what lies between it and a root.
Result<void> use_chain(SSL_CTX* context, const std::string& pem) {
  const BioHandle bio(::BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())));
  const CertificateHandle leaf(::PEM_read_bio_X509_AUX(bio.get(), nullptr, no_passphrase, nullptr));
  if (!leaf || ::SSL_CTX_use_certificate(context, leaf.get()) != 1) {
    return fail(openssl_error("the certificate cannot be used"));
  }
  while (CertificateHandle next{::PEM_read_bio_X509(bio.get(), nullptr, no_passphrase, nullptr)}) {
    if (::SSL_CTX_add1_chain_cert(context, next.get()) != 1) {
      return fail(openssl_error("the chain behind the certificate cannot be used"));
    }
  }
  (void)openssl_error("");  // the end of the text is how the loop ends
  return {};
}
}  // namespace

Result<TlsContext> make_tls_context(const PemPair& pem) {
  const TlsContext context(::SSL_CTX_new(::TLS_server_method()), OpensslFree());
  if (!context || !configure(context.get())) return fail(openssl_error("prepare TLS"));
  ECLUSE_TRY(use_chain(context.get(), pem.chain));
  ECLUSE_ASSIGN(const KeyHandle key, parse_key(pem.key));
  if (::SSL_CTX_use_PrivateKey(context.get(), key.get()) != 1 ||
      ::SSL_CTX_check_private_key(context.get()) != 1) {
    return fail(openssl_error("the private key does not fit the certificate"));
  }
  return context;
}

void TlsTable::add(std::string_view host, const TlsContext& context) {
  if (!fallback) fallback = context;
  auto& names_of_kind = host.starts_with("*.") ? names.wildcards : names.exact;
  names_of_kind.emplace(host.starts_with("*.") ? host.substr(2) : host, context);
}

ssl_ctx_st* TlsTable::find(std::string_view server_name) const {
  if (catch_all) return catch_all.get();
  std::string name(server_name);
  std::ranges::transform(name, name.begin(), http1::to_lower);
  if (name.ends_with('.')) name.pop_back();
  if (const auto found = names.exact.find(name); found != names.exact.end()) {
    return found->second.get();
  }
  const std::size_t dot = name.find('.');  // a certificate's wildcard covers one label
  if (dot == std::string::npos) return nullptr;
  const auto found = names.wildcards.find(name.substr(dot + 1));
  return found == names.wildcards.end() ? nullptr : found->second.get();
}

}  // namespace ecluse::gateway
