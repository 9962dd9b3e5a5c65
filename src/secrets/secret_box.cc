#include "secrets/secret_box.h"

#include <fmt/format.h>
#include <sodium.h>

#include <nlohmann/json.hpp>

namespace ecluse::secrets {

namespace {
using nlohmann::json;

constexpr std::size_t kNonceBytes = crypto_aead_xchacha20poly1305_ietf_NPUBBYTES;
constexpr std::size_t kTagBytes = crypto_aead_xchacha20poly1305_ietf_ABYTES;
constexpr std::string_view kFormat = "ecluse-secrets 1";

const unsigned char* bytes_of(std::string_view text) {
  return reinterpret_cast<const unsigned char*>(text.data());
}
unsigned char* bytes_of(std::string& text) {
  return reinterpret_cast<unsigned char*>(text.data());
}

std::string header_of(const SecretKey& key) {
  return fmt::format("{} key {}\n", kFormat, key.id());
}

std::string bound_to(std::string_view header, const model::EnvironmentKey& environment) {
  return fmt::format("{}{}", header, model::to_string(environment));
}

json to_json(const SecretBox& box) {
  json all = json::object();
  for (const auto& [name, secret] : box) {
    json versions = json::array();
    for (const auto& one : secret.versions) {
      versions.push_back({{"version", one.version},
                          {"value", one.value},
                          {"at_ms", one.at.ms_since_epoch},
                          {"by", one.by}});
    }
    all[name] = {{"removed", secret.removed}, {"versions", std::move(versions)}};
  }
  return all;
}

SecretBox from_json(const json& all) {
  SecretBox box;
  for (const auto& [name, secret] : all.items()) {
    auto& kept = box[name];
    kept.removed = secret.at("removed").get<bool>();
    for (const auto& one : secret.at("versions")) {
      kept.versions.push_back(
          {one.at("version").get<std::uint32_t>(), one.at("value").get<std::string>(),
           WallTime{one.at("at_ms").get<std::int64_t>()}, one.at("by").get<std::string>()});
    }
  }
  return box;
}

tl::unexpected<Error> damaged() {
  return fail(ErrorKind::kInternal, "the file is damaged",
              "nothing was written to it; restore it from a backup");
}

Result<void> check_header(std::string_view header, const SecretKey& key) {
  if (header == header_of(key)) return {};
  if (!header.starts_with(kFormat)) return damaged();
  return fail(ErrorKind::kRefused,
              fmt::format("it was encrypted with another key than {}", key.id()),
              "put the key back that belongs to these secrets; nothing was changed");
}

Result<std::string> decrypt(std::string_view sealed, std::string_view bound, const SecretKey& key) {
  if (sealed.size() < kNonceBytes + kTagBytes) return damaged();
  const auto nonce = sealed.substr(0, kNonceBytes);
  const auto cipher = sealed.substr(kNonceBytes);
  std::string plain(cipher.size() - kTagBytes, '\0');
  const int result = crypto_aead_xchacha20poly1305_ietf_decrypt(
      bytes_of(plain), nullptr, nullptr, bytes_of(cipher), cipher.size(), bytes_of(bound),
      bound.size(), bytes_of(nonce), key.bytes());
  if (result != 0) return damaged();
  return plain;
}
}  // namespace

std::string seal(const SecretBox& box, const model::EnvironmentKey& environment,
                 const SecretKey& key) {
  const std::string plain = to_json(box).dump();
  const std::string header = header_of(key);
  const std::string bound = bound_to(header, environment);
  std::string nonce(kNonceBytes, '\0');
  randombytes_buf(nonce.data(), nonce.size());
  std::string cipher(plain.size() + kTagBytes, '\0');
  crypto_aead_xchacha20poly1305_ietf_encrypt(bytes_of(cipher), nullptr, bytes_of(plain),
                                             plain.size(), bytes_of(bound), bound.size(), nullptr,
                                             bytes_of(nonce), key.bytes());
  return header + nonce + cipher;
}

Result<SecretBox> unseal(std::string_view bytes, const model::EnvironmentKey& environment,
                         const SecretKey& key) {
  const auto newline = bytes.find('\n');
  if (newline == std::string_view::npos) return damaged();
  const auto header = bytes.substr(0, newline + 1);
  ECLUSE_TRY(check_header(header, key));
  ECLUSE_ASSIGN(const std::string plain,
                decrypt(bytes.substr(newline + 1), bound_to(header, environment), key));
  try {
    return from_json(json::parse(plain));
  } catch (const json::exception&) {
    return damaged();  // authentic, so a newer ecluse wrote it, or we have a mistake
  }
}

}  // namespace ecluse::secrets
