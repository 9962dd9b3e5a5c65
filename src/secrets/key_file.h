#pragma once
// The key that encrypts the secret store.

#include <array>
#include <filesystem>
#include <string>

#include "base/result.h"

namespace ecluse::secrets {

/// 256 bits; wiped when it goes.
class SecretKey {
 public:
  static constexpr std::size_t kBytes = 32;
  static SecretKey random();
  /// Invalid unless it is 64 hexadecimal digits.
  static Result<SecretKey> parse(std::string_view hex);

  SecretKey(SecretKey&& other) noexcept;
  SecretKey(const SecretKey&) = delete;
  SecretKey& operator=(const SecretKey&) = delete;
  SecretKey& operator=(SecretKey&&) = delete;
  ~SecretKey();

  const unsigned char* bytes() const { return bytes_.data(); }
  std::string hex() const;
  /// A short name of the key that tells nothing of it: to say "another key" rather than "damaged".
  std::string id() const;

 private:
  SecretKey() = default;
  std::array<unsigned char, kBytes> bytes_{};
};

enum class IfMissing { kCreate, kFail };

/// Reads the key. Refused when others may read the file; `kCreate` makes a random one with mode
/// 0600.
Result<SecretKey> load_key(const std::filesystem::path& file, IfMissing if_missing);

}  // namespace ecluse::secrets
