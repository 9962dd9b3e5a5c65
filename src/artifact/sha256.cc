#include "artifact/sha256.h"

#include <fmt/format.h>

#include <array>

namespace ecluse::artifact {

Sha256& Sha256::add(std::string_view bytes) {
  crypto_hash_sha256_update(&state_, reinterpret_cast<const unsigned char*>(bytes.data()),
                            bytes.size());
  return *this;
}

Sha256& Sha256::add_field(std::string_view field) {
  return add(fmt::format("{}:", field.size())).add(field);
}

std::string Sha256::hex() {
  std::array<unsigned char, crypto_hash_sha256_BYTES> hash{};
  crypto_hash_sha256_final(&state_, hash.data());
  return fmt::format("{:02x}", fmt::join(hash, ""));
}

std::string sha256_hex(std::string_view bytes) {
  return Sha256().add(bytes).hex();
}

}  // namespace ecluse::artifact
