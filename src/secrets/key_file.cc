#include "secrets/key_file.h"

#include <fmt/format.h>
#include <sodium.h>
#include <sys/stat.h>

#include <cerrno>
#include <cstdlib>

#include "base/text.h"
#include "os/file.h"

namespace ecluse::secrets {

namespace {
namespace fs = std::filesystem;

void start_sodium() {
  // Only fails without a source of randomness; nothing safe can follow.
  if (sodium_init() < 0) std::abort();
}

Result<void> check_mode(const fs::path& file) {
  struct stat status{};
  if (::stat(file.c_str(), &status) != 0) {
    return fail(from_errno(errno, fmt::format("key file {}", file.string())));
  }
  if ((status.st_mode & 077) == 0) return {};
  return fail(ErrorKind::kRefused, fmt::format("others may read the key file {}", file.string()),
              fmt::format("chmod 600 {}; if somebody may have read it, set the secrets anew",
                          file.string()));
}

Result<SecretKey> create_key(const fs::path& file) {
  SecretKey key = SecretKey::random();
  ECLUSE_TRY(os::replace_file(file, key.hex() + "\n", 0600));
  return key;
}
}  // namespace

SecretKey SecretKey::random() {
  start_sodium();
  SecretKey key;
  randombytes_buf(key.bytes_.data(), kBytes);
  return key;
}

Result<SecretKey> SecretKey::parse(std::string_view hex) {
  start_sodium();
  SecretKey key;
  std::size_t length = 0;
  const char* end = nullptr;
  const int result =
      sodium_hex2bin(key.bytes_.data(), kBytes, hex.data(), hex.size(), nullptr, &length, &end);
  if (result == 0 && length == kBytes && end == hex.data() + hex.size()) return key;
  return fail(ErrorKind::kInvalid, "a key is 64 hexadecimal digits");
}

SecretKey::SecretKey(SecretKey&& other) noexcept : bytes_(other.bytes_) {
  sodium_memzero(other.bytes_.data(), kBytes);
}

SecretKey::~SecretKey() {
  sodium_memzero(bytes_.data(), kBytes);
}

std::string SecretKey::hex() const {
  std::array<char, kBytes * 2 + 1> text{};
  sodium_bin2hex(text.data(), text.size(), bytes_.data(), kBytes);
  return text.data();
}

std::string SecretKey::id() const {
  std::array<unsigned char, 16> hash{};
  crypto_generichash(hash.data(), hash.size(), bytes_.data(), kBytes, nullptr, 0);
  std::array<char, 33> text{};
  sodium_bin2hex(text.data(), text.size(), hash.data(), hash.size());
  return std::string(text.data(), 16);
}

Result<SecretKey> load_key(const fs::path& file, IfMissing if_missing) {
  auto text = os::read_file(file, 4096);
  if (!text && text.error().kind == ErrorKind::kNotFound && if_missing == IfMissing::kCreate) {
    return create_key(file);
  }
  if (!text) return fail(in_context("key file", std::move(text).error()));
  ECLUSE_TRY(check_mode(file));
  auto key = SecretKey::parse(trim(*text));
  sodium_memzero(text->data(), text->size());
  if (!key) return fail(in_context(file.string(), std::move(key).error()));
  return key;
}

}  // namespace ecluse::secrets
