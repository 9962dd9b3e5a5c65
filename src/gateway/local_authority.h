#pragma once
// A certificate authority of our own for development: `tls: local` gets certificates that a machine
// accepts once it trusts this authority. docs/gateway.md says how.

#include <filesystem>
#include <span>
#include <string>

#include "base/result.h"
#include "gateway/tls_table.h"

namespace ecluse::gateway {

class LocalAuthority {
 public:
  /// The authority kept in `folder` (authority.pem, and authority.key with mode 0600), made when
  /// there is none or when it has expired.
  static Result<LocalAuthority> open(const std::filesystem::path& folder, std::int64_t now_s);
  /// Made by this open().
  bool is_new() const { return is_new_; }
  const std::filesystem::path& certificate_file() const { return file_; }
  /// A server's certificate for these hosts, valid for 90 days from `now_s`.
  Result<PemPair> issue(std::span<const std::string> hosts, std::int64_t now_s) const;
  static constexpr std::int64_t kLeafLifeS = 90 * 86'400;

 private:
  LocalAuthority() = default;
  static Result<LocalAuthority> make(const std::filesystem::path& folder, std::int64_t now_s);

  std::filesystem::path file_;
  CertificateHandle certificate_;
  KeyHandle key_;
  bool is_new_ = false;
};

}  // namespace ecluse::gateway
