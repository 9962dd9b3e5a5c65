#include "gateway/local_authority.h"

#include <fmt/format.h>
#include <sodium.h>
#include <unistd.h>

#include <array>

#include "gateway/certificate_maker.h"
#include "os/file.h"

namespace ecluse::gateway {

namespace {
constexpr std::int64_t kDayS = 86'400;
constexpr std::int64_t kAuthorityLifeS = 3650 * kDayS;
constexpr std::int64_t kClockSlackS = 3600;  ///< of clients whose clock is behind ours
constexpr std::size_t kFileBytesMax = 65'536;

/// Told apart in a browser's list: the machine, and a number for one that was made anew.
std::string authority_name() {
  std::array<char, 256> host{};
  if (::gethostname(host.data(), host.size() - 1) != 0) host[0] = '\0';
  return fmt::format("ecluse local authority {} {:08x}", host.data(), randombytes_random());
}
}  // namespace

Result<LocalAuthority> LocalAuthority::make(const std::filesystem::path& folder,
                                            std::int64_t now_s) {
  LocalAuthority made;
  made.file_ = folder / "authority.pem";
  made.is_new_ = true;
  ECLUSE_ASSIGN(made.key_, make_key());
  ECLUSE_ASSIGN(made.certificate_, make_authority(made.key_, authority_name(),
                                                  {now_s - kClockSlackS, now_s + kAuthorityLifeS}));
  ECLUSE_ASSIGN(std::string key, key_pem(made.key_));
  ECLUSE_ASSIGN(const std::string certificate, certificate_pem(made.certificate_));
  // The key first: a crash between the two leaves no certificate that nobody can sign for.
  const auto written = os::replace_file(folder / "authority.key", key, 0600);
  sodium_memzero(key.data(), key.size());
  ECLUSE_TRY(written);
  ECLUSE_TRY(os::replace_file(made.file_, certificate, 0644));
  return made;
}

Result<LocalAuthority> LocalAuthority::open(const std::filesystem::path& folder,
                                            std::int64_t now_s) {
  ECLUSE_TRY(os::make_folder(folder, 0700));
  const auto file = folder / "authority.pem";
  if (!std::filesystem::exists(file)) return make(folder, now_s);
  LocalAuthority known;
  known.file_ = file;
  ECLUSE_ASSIGN(const std::string certificate, os::read_file(file, kFileBytesMax));
  ECLUSE_ASSIGN(const CertificateFacts facts, read_certificate(certificate));
  if (facts.validity.to_s < now_s + LocalAuthority::kLeafLifeS) return make(folder, now_s);
  ECLUSE_ASSIGN(std::string key, os::read_file(folder / "authority.key", kFileBytesMax));
  auto parsed = parse_key(key);
  sodium_memzero(key.data(), key.size());
  ECLUSE_ASSIGN(known.key_, std::move(parsed));
  ECLUSE_ASSIGN(known.certificate_, parse_certificate(certificate));
  return known;
}

Result<PemPair> LocalAuthority::issue(std::span<const std::string> hosts,
                                      std::int64_t now_s) const {
  ECLUSE_ASSIGN(const KeyHandle key, make_key());
  ECLUSE_ASSIGN(
      const CertificateHandle leaf,
      make_leaf(key, hosts, {now_s - kClockSlackS, now_s + kLeafLifeS}, certificate_, key_));
  PemPair pair;
  ECLUSE_ASSIGN(pair.chain, certificate_pem(leaf));
  ECLUSE_ASSIGN(pair.key, key_pem(key));
  return pair;
}

}  // namespace ecluse::gateway
