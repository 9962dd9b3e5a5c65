#pragma once
#include <sodium.h>

#include <string>
#include <string_view>

namespace ecluse::artifact {

/// SHA-256 of what it was given, piece by piece.
class Sha256 {
 public:
  Sha256() { crypto_hash_sha256_init(&state_); }
  Sha256& add(std::string_view bytes);
  /// Length first: two lists of fields never give the same digest by accident.
  Sha256& add_field(std::string_view field);
  /// 64 hex digits. The object is used up.
  std::string hex();

 private:
  crypto_hash_sha256_state state_;
};

std::string sha256_hex(std::string_view bytes);

}  // namespace ecluse::artifact
