#pragma once
// The signed word that sends one request to one release, whatever the weights say: how the control
// plane proves through a public listener that a release answers.

#include <array>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "model/key.h"

namespace ecluse::gateway {

using OverrideKey = std::array<unsigned char, 32>;

/// Reads the key file, or makes one with mode 0600. Invalid: it is there and not what we wrote.
Result<OverrideKey> load_or_make_override_key(const std::filesystem::path& file);
/// A key that nobody else has: without a folder there is nothing to share it through.
OverrideKey random_override_key();

/// What a word is good for. One that a tester was given opens no door as a field.
enum class OverrideUse : std::uint8_t {
  kField,   ///< X-Ecluse-Override: our own, past password, addresses, hold and maintenance
  kCookie,  ///< ecluse_override: only chooses the release
};

/// `site` is "lettings/prod"; the token is worthless after `expires_s` (seconds since 1970).
std::string sign_override(const OverrideKey& key, OverrideUse use, std::string_view site,
                          model::ReleaseNumber release, std::int64_t expires_s);
/// The release named, if the token is ours, for this use and site, and not expired.
std::optional<model::ReleaseNumber> verify_override(const OverrideKey& key, OverrideUse use,
                                                    std::string_view site, std::string_view token,
                                                    std::int64_t now_s);

}  // namespace ecluse::gateway
