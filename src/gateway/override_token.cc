#include "gateway/override_token.h"

#include <fmt/format.h>
#include <sodium.h>

#include <charconv>

#include "os/file.h"

namespace ecluse::gateway {

namespace {
std::string hex_of(const unsigned char* bytes, std::size_t count) {
  std::string hex(count * 2 + 1, '\0');
  sodium_bin2hex(hex.data(), hex.size(), bytes, count);
  hex.pop_back();
  return hex;
}

std::string seal(const OverrideKey& key, std::string_view text) {
  static_assert(sizeof(OverrideKey) == crypto_auth_hmacsha256_KEYBYTES);
  std::array<unsigned char, crypto_auth_hmacsha256_BYTES> mac{};
  crypto_auth_hmacsha256(mac.data(), reinterpret_cast<const unsigned char*>(text.data()),
                         text.size(), key.data());
  return hex_of(mac.data(), mac.size());
}

template <typename T>
bool take_number(std::string_view& text, T& value) {
  const auto parsed = std::from_chars(text.data(), text.data() + text.size(), value);
  if (parsed.ec != std::errc() || parsed.ptr == text.data() + text.size() || *parsed.ptr != '.') {
    return false;
  }
  text.remove_prefix(static_cast<std::size_t>(parsed.ptr - text.data()) + 1);
  return true;
}
}  // namespace

OverrideKey random_override_key() {
  OverrideKey key{};
  randombytes_buf(key.data(), key.size());
  return key;
}

Result<OverrideKey> load_or_make_override_key(const std::filesystem::path& file) {
  if (!std::filesystem::exists(file)) {
    const OverrideKey key = random_override_key();
    ECLUSE_TRY(os::replace_file(file, hex_of(key.data(), key.size()) + "\n", 0600));
    return key;
  }
  ECLUSE_ASSIGN(const std::string text, os::read_file(file, 1024));
  OverrideKey key{};
  std::size_t bytes = 0;
  const int bad =
      sodium_hex2bin(key.data(), key.size(), text.data(), text.size(), "\n", &bytes, nullptr);
  if (bad != 0 || bytes != key.size()) {
    return fail(ErrorKind::kInvalid, fmt::format("{} holds no override key", file.string()),
                "delete it: a new one is made at the next start");
  }
  return key;
}

std::string sign_override(const OverrideKey& key, OverrideUse use, std::string_view site,
                          model::ReleaseNumber release, std::int64_t expires_s) {
  const std::string text = fmt::format("{}.{}.", release, expires_s);
  const std::string_view mark = use == OverrideUse::kCookie ? "cookie " : "";
  return text + seal(key, fmt::format("{}{} {}", mark, site, text));
}

std::optional<model::ReleaseNumber> verify_override(const OverrideKey& key, OverrideUse use,
                                                    std::string_view site, std::string_view token,
                                                    std::int64_t now_s) {
  std::string_view rest = token;
  model::ReleaseNumber release = 0;
  std::int64_t expires_s = 0;
  if (!take_number(rest, release) || !take_number(rest, expires_s)) return std::nullopt;
  const std::string wanted = sign_override(key, use, site, release, expires_s);
  if (wanted.size() != token.size() || expires_s < now_s) return std::nullopt;
  if (sodium_memcmp(wanted.data(), token.data(), wanted.size()) != 0) return std::nullopt;
  return release;
}

}  // namespace ecluse::gateway
