#include "gateway/certificate_store.h"

#include <fmt/format.h>
#include <openssl/sha.h>
#include <sodium.h>
#include <sys/stat.h>

#include <algorithm>

#include "base/log.h"
#include "gateway/certificate_maker.h"
#include "os/file.h"

namespace ecluse::gateway {

namespace {
constexpr std::size_t kFileBytesMax = 1 << 20;

std::vector<std::string> all_hosts(const ports::Site& site) {
  std::vector<std::string> hosts = site.hosts;
  for (const auto& [from, to] : site.redirects) hosts.push_back(from);
  return hosts;
}

/// Chain and key may stand in one file or in two.
Result<PemPair> read_pair(const std::vector<std::filesystem::path>& files) {
  PemPair pair;
  ECLUSE_ASSIGN(pair.chain, os::read_file(files.front(), kFileBytesMax));
  ECLUSE_ASSIGN(pair.key, os::read_file(files.back(), kFileBytesMax));
  return pair;
}

Result<TlsContext> load(const std::vector<std::filesystem::path>& files) {
  ECLUSE_ASSIGN(PemPair pair, read_pair(files));
  auto context = make_tls_context(pair);
  sodium_memzero(pair.key.data(), pair.key.size());
  if (!context) return fail(in_context(files.front().string(), std::move(context).error()));
  return context;
}
}  // namespace

CertificateStore::Stamp CertificateStore::stamp_of(const std::filesystem::path& file) {
  struct stat status{};
  if (::stat(file.c_str(), &status) != 0) return {};
  return {static_cast<std::int64_t>(status.st_mtim.tv_sec) * 1'000'000'000 + status.st_mtim.tv_nsec,
          status.st_ino, static_cast<std::uint64_t>(status.st_size)};
}

std::vector<CertificateStore::Stamp> CertificateStore::stamps_of(
    const std::vector<std::filesystem::path>& files) {
  std::vector<Stamp> stamps;
  for (const auto& file : files) stamps.push_back(stamp_of(file));
  return stamps;
}

void CertificateStore::complain(const std::string& name, const Error& error, bool keeps_serving) {
  log_error("gateway: the certificate of {}: {}; {}", name, error.message,
            keeps_serving ? "the one before is served on" : "it is not served over TLS");
  if (!error.hint.empty()) log_error("gateway: {}", error.hint);
}

/// The context of these files, read anew if they changed; the last good one if they are unusable.
TlsContext CertificateStore::from_files(const std::string& name,
                                        std::vector<std::filesystem::path> files) {
  Known& known = known_[name];
  known.is_used = true;
  std::vector<Stamp> stamps = stamps_of(files);
  if (known.files == files && known.stamps == stamps) return known.context;
  known.files = std::move(files);
  known.stamps = std::move(stamps);
  auto loaded = load(known.files);
  if (loaded) {
    if (known.context) log_info("gateway: the certificate of {} was read anew", name);
    known.context = std::move(*loaded);
  } else {
    complain(name, loaded.error(), known.context != nullptr);
  }
  return known.context;
}

Result<PemPair> CertificateStore::issue(std::span<const std::string> hosts, std::int64_t now_s) {
  if (setup_.folder.empty()) {
    return fail(ErrorKind::kInvalid, "there is no folder to keep a local authority in",
                "start the gateway with --state FOLDER");
  }
  if (!authority_) {
    ECLUSE_ASSIGN(LocalAuthority opened, LocalAuthority::open(setup_.folder, now_s));
    authority_.emplace(std::move(opened));
    if (authority_->is_new()) {
      log_info(
          "gateway: made a local certificate authority, {}. To trust it on this machine: cp it to "
          "/usr/local/share/ca-certificates/ecluse.crt and run update-ca-certificates; browsers "
          "take it under Settings, Certificates, Authorities",
          authority_->certificate_file().string());
    }
  }
  return authority_->issue(hosts, now_s);
}

TlsContext CertificateStore::from_authority(const std::string& name,
                                            std::span<const std::string> hosts,
                                            std::int64_t now_s) {
  Known& known = known_[fmt::format("{} ({})", name, fmt::join(hosts, ", "))];
  known.is_used = true;
  if (known.context && now_s < known.renew_at_s) return known.context;
  auto pair = issue(hosts, now_s);
  auto context = pair ? make_tls_context(*pair) : Result<TlsContext>(fail(pair.error()));
  if (pair) sodium_memzero(pair->key.data(), pair->key.size());
  if (!context) {
    complain(name, context.error(), known.context != nullptr);
    constexpr std::int64_t kAgainInS = 60;
    known.renew_at_s = now_s + kAgainInS;
  } else {
    known.context = std::move(*context);
    known.renew_at_s = now_s + LocalAuthority::kLeafLifeS / 2;
  }
  return known.context;
}

void CertificateStore::add_site(const ports::Site& site, std::int64_t now_s, TlsTable& table) {
  const ports::SiteTls& tls = *site.tls;
  const std::string name = to_string(site.key);
  const std::vector<std::string> hosts = all_hosts(site);
  const AcmeFiles files(setup_.folder);
  for (const std::string& host : hosts) {
    TlsContext context;
    switch (tls.source) {
      case ports::SiteTls::Source::kFiles:
        context = from_files(name, {tls.certificate, tls.key.empty() ? tls.certificate : tls.key});
        break;
      case ports::SiteTls::Source::kLocal:
        context = from_authority(name, hosts, now_s);
        break;
      case ports::SiteTls::Source::kAcme:
        wishes_.insert({host, tls.directory, tls.contact, tls.trusted});
        if (stamp_of(files.certificate_file(host)) != Stamp()) {
          context = from_files(host, {files.certificate_file(host)});
        }
        break;
    }
    if (context) table.add(host, context);
  }
}

namespace {
/// The certificate that RFC 8737 wants for this challenge.
Result<TlsContext> challenge_context(const AcmeChallenge& challenge) {
  std::array<unsigned char, SHA256_DIGEST_LENGTH> digest{};
  const std::string& text = challenge.key_authorization;
  ::SHA256(reinterpret_cast<const unsigned char*>(text.data()), text.size(), digest.data());
  ECLUSE_ASSIGN(const KeyHandle key, make_key());
  ECLUSE_ASSIGN(const CertificateHandle made, make_challenge(key, challenge.host, digest));
  PemPair pair;
  ECLUSE_ASSIGN(pair.chain, certificate_pem(made));
  ECLUSE_ASSIGN(pair.key, key_pem(key));
  return make_tls_context(pair);
}
}  // namespace

void CertificateStore::add_challenges(TlsTable& table) {
  if (setup_.folder.empty()) return;
  const AcmeFiles files(setup_.folder);
  challenges_stamp_ = stamp_of(files.challenges_file());
  const auto challenges = files.read_challenges();
  if (!challenges) return log_error("gateway: {}", challenges.error().message);
  challenges_sequence_ = challenges->sequence;
  for (const AcmeChallenge& each : challenges->all) {
    if (each.type == "http-01") {
      table.http_challenges.emplace(each.token, each.key_authorization);
      continue;
    }
    auto context = challenge_context(each);
    if (context) {
      table.challenges.emplace(each.host, std::move(*context));
    } else {
      log_error("gateway: the challenge of {}: {}", each.host, context.error().message);
    }
  }
}

void CertificateStore::tell_certifier() {
  if (setup_.folder.empty() || told_ == wishes_) return;
  if (wishes_.empty() && !told_) return;
  auto made = os::make_folder(setup_.folder, 0700);
  auto written = made ? AcmeFiles(setup_.folder).write_wishes(wishes_) : made;
  if (!written) return log_error("gateway: {}", written.error().message);
  told_ = wishes_;
}

std::shared_ptr<const TlsTable> CertificateStore::table(std::span<const ports::Site> sites,
                                                        const TicketKeys& tickets,
                                                        std::int64_t now_s) {
  auto made = std::make_shared<TlsTable>();
  made->tickets = tickets;
  wishes_.clear();
  for (auto& [name, known] : known_) known.is_used = false;
  if (!setup_.certificate.empty()) {
    made->catch_all = from_files("this gateway", {setup_.certificate, setup_.key});
    made->fallback = made->catch_all;
  }
  for (const ports::Site& site : sites) {
    if (site.tls) add_site(site, now_s, *made);
  }
  std::erase_if(known_, [](const auto& entry) { return !entry.second.is_used; });
  add_challenges(*made);
  tell_certifier();
  return made;
}

bool CertificateStore::is_stale(std::int64_t now_s) {
  const bool has_new_challenges =
      !setup_.folder.empty() &&
      stamp_of(AcmeFiles(setup_.folder).challenges_file()) != challenges_stamp_;
  const AcmeFiles files(setup_.folder);
  const bool has_new_certificate = std::ranges::any_of(wishes_, [&](const AcmeWish& wish) {
    return !known_.contains(wish.host) && stamp_of(files.certificate_file(wish.host)) != Stamp();
  });
  return has_new_challenges || has_new_certificate ||
         std::ranges::any_of(known_, [&](const auto& entry) {
           const Known& known = entry.second;
           return stamps_of(known.files) != known.stamps ||
                  (known.renew_at_s != 0 && now_s >= known.renew_at_s);
         });
}

Result<void> CertificateStore::acknowledge() const {
  if (setup_.folder.empty() || challenges_sequence_ == 0) return {};
  const AcmeFiles files(setup_.folder);
  if (files.read_served() == challenges_sequence_) return {};
  return files.write_served(challenges_sequence_);
}

}  // namespace ecluse::gateway
