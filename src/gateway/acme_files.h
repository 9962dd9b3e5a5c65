#pragma once
// What the worker process and the certifier tell each other, as small files in DATA/gateway/tls
// that are replaced whole: so neither needs the other to be alive. Formats: docs/gateway.md.

#include <compare>
#include <cstdint>
#include <filesystem>
#include <set>
#include <string>
#include <vector>

#include "base/result.h"

namespace ecluse::gateway {

/// A host whose certificate an ACME server shall sign.
struct AcmeWish {
  std::string host;
  std::string directory;  ///< the server's, an https:// address
  std::string contact;    ///< an e-mail address; may be empty
  std::string trusted;  ///< a PEM file that vouches for the server; empty: the system's authorities
  auto operator<=>(const AcmeWish&) const = default;
};

/// One validation that the ACME server is about to make.
struct AcmeChallenge {
  std::string host;
  std::string type;  ///< "http-01" or "tls-alpn-01"
  std::string token;
  std::string key_authorization;
  bool operator==(const AcmeChallenge&) const = default;
};
struct AcmeChallenges {
  std::uint64_t sequence = 0;  ///< grows with each change
  std::vector<AcmeChallenge> all;
  bool operator==(const AcmeChallenges&) const = default;
};

class AcmeFiles {
 public:
  explicit AcmeFiles(std::filesystem::path folder) : folder_(std::move(folder)) {}

  std::filesystem::path wishes_file() const { return folder_ / "wishes.json"; }
  std::filesystem::path challenges_file() const { return folder_ / "challenges.json"; }
  std::filesystem::path served_file() const { return folder_ / "challenges.served"; }
  /// Key and chain of a host in one file, so that they change together.
  std::filesystem::path certificate_file(const std::string& host) const {
    return folder_ / "certificates" / (host + ".pem");
  }
  const std::filesystem::path& folder() const { return folder_; }

  Result<void> write_wishes(const std::set<AcmeWish>& wishes) const;
  /// Empty when there is no file.
  Result<std::set<AcmeWish>> read_wishes() const;
  Result<void> write_challenges(const AcmeChallenges& challenges) const;
  Result<AcmeChallenges> read_challenges() const;
  Result<void> write_served(std::uint64_t sequence) const;
  /// The newest sequence that every worker thread serves; 0: none.
  std::uint64_t read_served() const;

 private:
  std::filesystem::path folder_;
};

}  // namespace ecluse::gateway
