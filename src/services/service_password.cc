#include "services/service_password.h"

#include <sys/random.h>

#include <cstdlib>

namespace ecluse::services {

namespace {
constexpr std::size_t kLength = 33;  // of 62 letters: 196 bits
constexpr std::string_view kLetters =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";

unsigned char random_byte() {
  unsigned char byte = 0;
  // Up to 256 bytes are never interrupted; it only fails where there is no randomness at all.
  if (::getrandom(&byte, 1, 0) != 1) std::abort();
  return byte;
}

/// Bytes beyond the last multiple of 62 are thrown away: every letter is equally likely.
char random_letter() {
  for (;;) {
    const unsigned byte = random_byte();
    if (byte < 256 / kLetters.size() * kLetters.size()) return kLetters[byte % kLetters.size()];
  }
}

/// '.' is in no name of ecluse.yml, so nobody's secrets are mixed up with these.
model::EnvironmentKey keeping_of(const model::EnvironmentKey& key) {
  return {key.app, key.environment + ".services"};
}

std::string secret_name(const std::string& service, const char* what) {
  std::string name = "SERVICE_";
  for (const char c : service) name += c == '-' ? '_' : static_cast<char>(c >= 'a' ? c - 32 : c);
  return name + "_" + what;
}

enum class IfMissing { kMake, kFail };

Result<std::string> password(ports::Secrets& secrets, const model::EnvironmentKey& key,
                             const std::string& name, IfMissing if_missing) {
  auto known = secrets.get(keeping_of(key), name, std::nullopt);
  if (known || known.error().kind != ErrorKind::kNotFound || if_missing == IfMissing::kFail) {
    return known;
  }
  std::string made = random_password();
  ECLUSE_TRY(secrets.set(keeping_of(key), name, made, "ecluse"));
  return made;
}

Result<Passwords> all(ports::Secrets& secrets, const model::EnvironmentKey& key,
                      const std::string& service, const Engine& engine, IfMissing if_missing) {
  Passwords passwords;
  ECLUSE_ASSIGN(passwords.app,
                password(secrets, key, secret_name(service, "PASSWORD"), if_missing));
  if (!engine.has_admin()) return passwords;
  ECLUSE_ASSIGN(passwords.admin,
                password(secrets, key, secret_name(service, "ADMIN_PASSWORD"), if_missing));
  return passwords;
}
}  // namespace

std::string random_password() {
  std::string password;
  while (password.size() < kLength) password += random_letter();
  return password;
}

Result<Passwords> passwords_of(ports::Secrets& secrets, const model::EnvironmentKey& key,
                               const std::string& service, const Engine& engine) {
  return all(secrets, key, service, engine, IfMissing::kMake);
}

Result<Passwords> known_passwords_of(ports::Secrets& secrets, const model::EnvironmentKey& key,
                                     const std::string& service, const Engine& engine) {
  return all(secrets, key, service, engine, IfMissing::kFail);
}

}  // namespace ecluse::services
