#pragma once
// Secrets at rest: one encrypted file per environment (docs/secrets.md), replaced whole or not at
// all. Every value ever kept is known to the redactor.

#include <filesystem>
#include <memory>

#include "ports/clock.h"
#include "ports/secrets.h"
#include "secrets/redactor.h"

namespace ecluse::secrets {

struct SecretStorePlaces {
  std::filesystem::path folder;    ///< DATA/secrets: one file per environment
  std::filesystem::path key_file;  ///< DATA/key; made when there is neither key nor secret yet
  /// $CREDENTIALS_DIRECTORY of the init system, or empty. A credential `ecluse-key` in it is the
  /// key instead of `key_file`.
  std::filesystem::path credentials;
};

/// Bounds, each refused by name: value 64 KiB of UTF-8 without NUL, 256 names per environment. Of a
/// name the newest 100 versions are kept, and older ones while a release pins them (prune()).
class SecretStore : public ports::Secrets {
 public:
  /// NotFound: secrets exist but their key does not. Refused: the key is another one. Internal: a
  /// file is damaged. Nothing is ever overwritten then.
  static Result<std::unique_ptr<SecretStore>> open(const SecretStorePlaces& places,
                                                   ports::Clock& clock);
  ~SecretStore() override;

  Result<std::uint32_t> set(const model::EnvironmentKey& key, const std::string& name,
                            std::string_view value, const std::string& actor) override;
  Result<void> remove(const model::EnvironmentKey& key, const std::string& name,
                      const std::string& actor) override;
  Result<void> prune(const model::EnvironmentKey& key, const std::string& name,
                     const std::set<std::uint32_t>& pinned) override;
  Result<std::vector<ports::SecretInfo>> list(const model::EnvironmentKey& key) override;
  Result<std::string> get(const model::EnvironmentKey& key, const std::string& name,
                          std::optional<std::uint32_t> version) override;
  std::string redact(std::string_view text) const override;
  std::size_t settled(std::string_view text) const override;

  /// Redacts `value` too from now on, without keeping it beyond this process.
  void register_value(const std::string& name, const std::string& value);

 private:
  std::shared_ptr<const Redactor> redactor() const;

  struct Parts;
  explicit SecretStore(std::unique_ptr<Parts> parts);
  std::unique_ptr<Parts> parts_;
};

}  // namespace ecluse::secrets
