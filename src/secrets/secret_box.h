#pragma once
// The secrets of one environment, in memory and as the bytes of their file.

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/time.h"
#include "model/key.h"
#include "secrets/key_file.h"

namespace ecluse::secrets {

struct SecretVersion {
  std::uint32_t version = 0;
  std::string value;
  WallTime at;
  std::string by;
  bool operator==(const SecretVersion&) const = default;
};

struct Secret {
  bool removed = false;
  std::vector<SecretVersion> versions;  ///< oldest first, never empty
  bool operator==(const Secret&) const = default;
};

using SecretBox = std::map<std::string, Secret>;

/// Encrypted and bound to `key`'s environment: a file moved to another name does not open.
std::string seal(const SecretBox& box, const model::EnvironmentKey& environment,
                 const SecretKey& key);
/// Refused: sealed with another key. Internal: damaged.
Result<SecretBox> unseal(std::string_view bytes, const model::EnvironmentKey& environment,
                         const SecretKey& key);

}  // namespace ecluse::secrets
