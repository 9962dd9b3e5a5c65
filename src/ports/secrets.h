#pragma once
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/time.h"
#include "model/key.h"

namespace ecluse::ports {

struct SecretInfo {
  std::string name;
  std::uint32_t version = 0;  ///< newest
  WallTime changed_at;
  std::string changed_by;
};

/// Encrypted at rest, versioned, never listed with values. Thread-safe.
class Secrets {
 public:
  virtual ~Secrets() = default;
  virtual Result<std::uint32_t> set(const model::EnvironmentKey& key, const std::string& name,
                                    std::string_view value, const std::string& actor) = 0;
  /// Marks it removed for new releases; old versions stay for the releases that pin them.
  virtual Result<void> remove(const model::EnvironmentKey& key, const std::string& name,
                              const std::string& actor) = 0;
  /// Forgets old versions of `name`, but never the newest 100 nor one of `pinned`.
  virtual Result<void> prune(const model::EnvironmentKey& key, const std::string& name,
                             const std::set<std::uint32_t>& pinned) = 0;
  virtual Result<std::vector<SecretInfo>> list(const model::EnvironmentKey& key) = 0;
  /// `version` absent: the newest. NotFound says how to set it.
  virtual Result<std::string> get(const model::EnvironmentKey& key, const std::string& name,
                                  std::optional<std::uint32_t> version) = 0;
  /// `text` with every known secret value (plain, base64, URL-encoded) replaced by "[redacted
  /// NAME]".
  virtual std::string redact(std::string_view text) const = 0;
  /// How many bytes of `text` can be redacted and given out while more of it may follow; the rest
  /// may be a value that is not complete yet.
  virtual std::size_t settled(std::string_view text) const = 0;
};

}  // namespace ecluse::ports
