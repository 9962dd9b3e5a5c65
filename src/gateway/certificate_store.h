#pragma once
// Where the certificates of the sites come from: files of the operator, the local authority, or
// what the certifier got by ACME. Reads files only when they changed, keeps the last good
// certificate when a new one cannot be used, and leaves out a site whose certificate was never
// usable: one bad file disables one site, never the table. Used by one thread at a time (Control's
// desk).

#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <vector>

#include "base/result.h"
#include "gateway/acme_files.h"
#include "gateway/local_authority.h"
#include "gateway/tls_table.h"
#include "ports/traffic.h"

namespace ecluse::gateway {

class CertificateStore {
 public:
  struct Setup {
    std::filesystem::path folder;  ///< "DATA/gateway/tls"; empty: no authority and no ACME
    /// The stand-alone form: this pair answers for every name. Empty: none.
    std::filesystem::path certificate;
    std::filesystem::path key;
  };
  explicit CertificateStore(Setup setup) : setup_(std::move(setup)) {}

  /// The table for these sites as the files are now. Complaints go to the log, once each.
  /// `tickets` are the keys it seals with.
  std::shared_ptr<const TlsTable> table(std::span<const ports::Site> sites,
                                        const TicketKeys& tickets, std::int64_t now_s);
  /// Whether a file changed, a certificate of ours grows old or a challenge came since table().
  bool is_stale(std::int64_t now_s);
  /// Hosts that wait for the certifier; it is told through the folder by table().
  bool wants_certifier() const { return !wishes_.empty(); }
  /// Tells the certifier which challenges every thread serves now.
  Result<void> acknowledge() const;

 private:
  /// What a file looked like when it was read.
  struct Stamp {
    std::int64_t modified_ns = 0;
    std::uint64_t inode = 0;
    std::uint64_t bytes = 0;
    bool operator==(const Stamp&) const = default;
  };
  struct Known {
    TlsContext context;  ///< null: none was usable so far
    std::vector<std::filesystem::path> files;
    std::vector<Stamp> stamps;
    std::int64_t renew_at_s = 0;  ///< of a local one; 0: its files tell
    bool is_used = false;
  };

  static Stamp stamp_of(const std::filesystem::path& file);
  static std::vector<Stamp> stamps_of(const std::vector<std::filesystem::path>& files);
  TlsContext from_files(const std::string& name, std::vector<std::filesystem::path> files);
  TlsContext from_authority(const std::string& name, std::span<const std::string> hosts,
                            std::int64_t now_s);
  Result<PemPair> issue(std::span<const std::string> hosts, std::int64_t now_s);
  void add_site(const ports::Site& site, std::int64_t now_s, TlsTable& table);
  void add_challenges(TlsTable& table);
  void tell_certifier();
  void complain(const std::string& name, const Error& error, bool keeps_serving);

  Setup setup_;
  std::map<std::string, Known> known_;
  std::optional<LocalAuthority> authority_;
  std::set<AcmeWish> wishes_;
  std::optional<std::set<AcmeWish>> told_;
  Stamp challenges_stamp_;
  std::uint64_t challenges_sequence_ = 0;
};

}  // namespace ecluse::gateway
