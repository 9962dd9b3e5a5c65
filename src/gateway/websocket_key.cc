#include "gateway/websocket_key.h"

#include <openssl/sha.h>
#include <sodium.h>

#include <array>
#include <span>

namespace ecluse::gateway {

namespace {
std::string base64(std::span<const unsigned char> bytes) {
  std::string text(sodium_base64_encoded_len(bytes.size(), sodium_base64_VARIANT_ORIGINAL), '\0');
  sodium_bin2base64(text.data(), text.size(), bytes.data(), bytes.size(),
                    sodium_base64_VARIANT_ORIGINAL);
  text.pop_back();  // the final NUL
  return text;
}
}  // namespace

std::string random_websocket_key() {
  std::array<unsigned char, 16> random{};
  randombytes_buf(random.data(), random.size());
  return base64(random);
}

std::string websocket_accept_of(const std::string& key) {
  const std::string text = key + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
  std::array<unsigned char, SHA_DIGEST_LENGTH> digest{};
  ::SHA1(reinterpret_cast<const unsigned char*>(text.data()), text.size(), digest.data());
  return base64(digest);
}

}  // namespace ecluse::gateway
