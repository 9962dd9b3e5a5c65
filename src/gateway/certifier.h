#pragma once
// The certifier: a process of its own beside keeper and worker, which gets and renews certificates
// by ACME. It reads what hosts wait (AcmeFiles), writes certificates and challenges into the same
// folder, and the worker picks them up. Killed at any instant it loses an order at most.

#include <cstdint>
#include <filesystem>
#include <string>

#include "base/result.h"
#include "gateway/acme_client.h"
#include "gateway/acme_files.h"

namespace ecluse::gateway {

/// What is known of one host's certificate, beside the certificate itself.
struct AcmeProgress {
  std::uint32_t failures = 0;   ///< in a row
  std::int64_t next_try_s = 0;  ///< not before, seconds since 1970
  std::string message;          ///< of the last failure
  bool operator==(const AcmeProgress&) const = default;
};

/// How failures space out tries: doubling from `first` to `max`, never before the server's word.
/// The default stays below the usual limit of five failed validations an hour.
struct AcmeBackoff {
  std::int64_t first_s = 300;
  std::int64_t max_s = 6 * 3600;
};
AcmeProgress after_failure(const AcmeProgress& before, std::string message,
                           std::int64_t retry_after_s, std::int64_t now_s,
                           const AcmeBackoff& backoff);
/// When a certificate of this validity is to be renewed: after two thirds of its life.
std::int64_t renewal_time(std::int64_t from_s, std::int64_t to_s);

/// Tries that alternate between the two ways of validation, so that a host behind a proxy that
/// hides one of them gets its certificate by the other.
std::string challenge_type(std::uint32_t failures);

class Certifier {
 public:
  struct Setup {
    std::filesystem::path folder;  ///< "DATA/gateway/tls"
    AcmeBackoff backoff;
  };
  explicit Certifier(Setup setup) : files_(setup.folder), backoff_(setup.backoff) {}

  /// Tries what is due; when the next host is due, seconds since 1970.
  std::int64_t work(std::int64_t now_s);
  AcmeProgress progress_of(const std::string& host) const;

 private:
  bool is_due(const AcmeWish& wish, const AcmeProgress& progress, std::int64_t now_s,
              std::int64_t& due_s) const;
  void attempt(const AcmeWish& wish, const AcmeProgress& before, std::int64_t now_s);
  Result<void> certify(const AcmeWish& wish, const std::string& type, std::int64_t& retry_after_s);
  Result<KeyHandle> account_key(const AcmeWish& wish) const;
  std::filesystem::path progress_file(const std::string& host) const;
  Result<void> keep(const std::string& host, const AcmeProgress& progress) const;

  AcmeFiles files_;
  AcmeBackoff backoff_;
};

/// The process: works until SIGTERM, or until its parent is gone. Returns the exit code.
Result<int> run_certifier(const std::filesystem::path& folder);

}  // namespace ecluse::gateway
