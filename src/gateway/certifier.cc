#include "gateway/certifier.h"

#include <fmt/format.h>
#include <openssl/sha.h>
#include <poll.h>
#include <signal.h>
#include <sodium.h>
#include <sys/inotify.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <ctime>
#include <nlohmann/json.hpp>
#include <optional>
#include <thread>

#include "base/log.h"
#include "gateway/acme_jws.h"
#include "gateway/certificate_maker.h"
#include "os/file.h"

namespace ecluse::gateway {

namespace {
using nlohmann::json;
constexpr std::size_t kFileBytesMax = 1 << 20;
constexpr std::int64_t kLookEveryS = 3600;  ///< though nothing is known to be due

/// Through the worker: it reads the challenges and says when every thread serves them.
class FolderResponder : public AcmeResponder {
 public:
  explicit FolderResponder(const AcmeFiles& files) : files_(files) {}

  Result<void> present(const AcmeChallenge& challenge) override {
    ECLUSE_ASSIGN(AcmeChallenges now, files_.read_challenges());
    std::erase_if(now.all, [&](const AcmeChallenge& each) { return each.host == challenge.host; });
    now.all.push_back(challenge);
    ++now.sequence;
    ECLUSE_TRY(files_.write_challenges(now));
    return await(now.sequence);
  }
  void withdraw(const AcmeChallenge& challenge) override {
    auto now = files_.read_challenges();
    if (!now) return log_warn("certifier: {}", now.error().message);
    std::erase(now->all, challenge);
    ++now->sequence;
    if (auto written = files_.write_challenges(*now); !written) {
      log_warn("certifier: {}", written.error().message);  // an old token there does no harm
    }
  }

 private:
  Result<void> await(std::uint64_t sequence) const {
    constexpr std::chrono::seconds kPatience{30};
    constexpr std::chrono::milliseconds kLook{50};
    const auto deadline = std::chrono::steady_clock::now() + kPatience;
    while (files_.read_served() < sequence) {
      if (std::chrono::steady_clock::now() > deadline) {
        return fail(ErrorKind::kTimeout, "the gateway did not serve the challenge in time");
      }
      std::this_thread::sleep_for(kLook);
    }
    return {};
  }
  const AcmeFiles& files_;
};

std::string short_digest(const std::string& text) {
  std::array<unsigned char, SHA256_DIGEST_LENGTH> digest{};
  ::SHA256(reinterpret_cast<const unsigned char*>(text.data()), text.size(), digest.data());
  std::array<char, 17> hex{};
  sodium_bin2hex(hex.data(), hex.size(), digest.data(), 8);
  return hex.data();
}
}  // namespace

AcmeProgress after_failure(const AcmeProgress& before, std::string message,
                           std::int64_t retry_after_s, std::int64_t now_s,
                           const AcmeBackoff& backoff) {
  constexpr std::uint32_t kDoublingsMax = 20;
  const std::int64_t wait_s =
      std::min(backoff.first_s << std::min(before.failures, kDoublingsMax), backoff.max_s);
  return {before.failures + 1, now_s + std::max(wait_s, retry_after_s), std::move(message)};
}

std::int64_t renewal_time(std::int64_t from_s, std::int64_t to_s) {
  return from_s + (to_s - from_s) / 3 * 2;
}

std::string challenge_type(std::uint32_t failures) {
  return failures % 2 == 0 ? "http-01" : "tls-alpn-01";
}

std::filesystem::path Certifier::progress_file(const std::string& host) const {
  return files_.certificate_file(host).replace_extension(".json");
}

AcmeProgress Certifier::progress_of(const std::string& host) const {
  const auto text = os::read_file(progress_file(host), kFileBytesMax);
  if (!text) return {};  // it was never tried
  const json parsed = json::parse(*text, nullptr, false);
  if (!parsed.is_object()) return {};
  return {parsed.value("failures", 0U), parsed.value("next_try_s", std::int64_t{0}),
          parsed.value("message", "")};
}

Result<void> Certifier::keep(const std::string& host, const AcmeProgress& progress) const {
  const json whole{{"failures", progress.failures},
                   {"next_try_s", progress.next_try_s},
                   {"message", progress.message}};
  return os::replace_file(progress_file(host), whole.dump() + "\n", 0600);
}

/// The account of a server and a contact has one key for ever.
Result<KeyHandle> Certifier::account_key(const AcmeWish& wish) const {
  const auto file =
      files_.folder() / "accounts" / (short_digest(wish.directory + " " + wish.contact) + ".key");
  ECLUSE_TRY(os::make_folder(file.parent_path(), 0700));
  if (std::filesystem::exists(file)) {
    ECLUSE_ASSIGN(const std::string pem, os::read_file(file, kFileBytesMax));
    return parse_key(pem);
  }
  ECLUSE_ASSIGN(KeyHandle key, make_key());
  ECLUSE_ASSIGN(const std::string pem, key_pem(key));
  ECLUSE_TRY(os::replace_file(file, pem, 0600));
  return key;
}

/// `due_s`: when it is due if it is not now.
bool Certifier::is_due(const AcmeWish& wish, const AcmeProgress& progress, std::int64_t now_s,
                       std::int64_t& due_s) const {
  due_s = progress.next_try_s;
  const auto pem = os::read_file(files_.certificate_file(wish.host), kFileBytesMax);
  const auto facts = pem ? read_certificate(*pem) : Result<CertificateFacts>(fail(pem.error()));
  if (facts) {
    due_s = std::max(due_s, renewal_time(facts->validity.from_s, facts->validity.to_s));
  }
  return due_s <= now_s;
}

Result<void> Certifier::certify(const AcmeWish& wish, const std::string& type,
                                std::int64_t& retry_after_s) {
  ECLUSE_ASSIGN(KeyHandle account, account_key(wish));
  ECLUSE_ASSIGN(const auto client,
                AcmeClient::open(
                    {.directory = wish.directory, .trusted = wish.trusted, .contact = wish.contact},
                    std::move(account)));
  ECLUSE_ASSIGN(const KeyHandle key, make_key());
  FolderResponder responder(files_);
  const auto chain = client->issue(wish.host, key, type, responder);
  retry_after_s = client->retry_after_s();
  if (!chain) return fail(chain.error());
  ECLUSE_ASSIGN(std::string pem, key_pem(key));
  pem += *chain;
  return os::replace_file(files_.certificate_file(wish.host), pem, 0600);
}

void Certifier::attempt(const AcmeWish& wish, const AcmeProgress& before, std::int64_t now_s) {
  std::int64_t retry_after_s = 0;
  const auto done = certify(wish, challenge_type(before.failures), retry_after_s);
  AcmeProgress progress;
  if (done) {
    log_info("certifier: {} has a certificate from {}", wish.host, wish.directory);
  } else {
    progress = after_failure(before, done.error().message, retry_after_s, now_s, backoff_);
    log_error("certifier: {}: {}; tried again in {} s", wish.host, progress.message,
              progress.next_try_s - now_s);
  }
  if (auto kept = keep(wish.host, progress); !kept)
    log_error("certifier: {}", kept.error().message);
}

std::int64_t Certifier::work(std::int64_t now_s) {
  std::int64_t next_s = now_s + kLookEveryS;
  const auto wishes = files_.read_wishes();
  if (!wishes) {
    log_error("certifier: {}", wishes.error().message);
    return next_s;
  }
  if (auto made = os::make_folder(files_.certificate_file("x").parent_path(), 0700); !made) {
    log_error("certifier: {}", made.error().message);
    return next_s;
  }
  for (const AcmeWish& wish : *wishes) {
    const AcmeProgress progress = progress_of(wish.host);
    std::int64_t due_s = 0;
    if (is_due(wish, progress, now_s, due_s)) {
      attempt(wish, progress, now_s);
      due_s = progress_of(wish.host).next_try_s;
      if (due_s == 0) continue;  // it has its certificate
    }
    next_s = std::min(next_s, due_s);
  }
  return next_s;
}

namespace {
/// A signal, or a change in the folder, or the time.
bool wait_for_work(int signals, int changes, std::int64_t until_s) {
  const std::int64_t wait_s =
      std::clamp<std::int64_t>(until_s - std::time(nullptr), 1, kLookEveryS);
  std::array<pollfd, 2> waits{pollfd{signals, POLLIN, 0}, pollfd{changes, POLLIN, 0}};
  (void)::poll(waits.data(), waits.size(), static_cast<int>(wait_s * 1000));  // whatever it was
  std::array<char, 4096> events;
  if (waits[1].revents != 0) (void)!::read(changes, events.data(), events.size());  // only a hint
  return waits[0].revents == 0;
}
}  // namespace

Result<int> run_certifier(const std::filesystem::path& folder) {
  // Nobody else would stop us when the worker process is killed.
  (void)::prctl(PR_SET_PDEATHSIG, SIGTERM);  // cannot fail with this signal
  if (::getppid() == 1) return 0;
  sigset_t mask;
  sigemptyset(&mask);
  for (const int signal : {SIGTERM, SIGINT}) sigaddset(&mask, signal);
  (void)::sigprocmask(SIG_BLOCK, &mask, nullptr);  // cannot fail with these arguments
  const os::Fd signals(::signalfd(-1, &mask, SFD_CLOEXEC));
  const os::Fd changes(::inotify_init1(IN_CLOEXEC | IN_NONBLOCK));
  if (!signals || !changes) return fail(from_errno(errno, "wait for signals and changes"));
  ECLUSE_TRY(os::make_folder(folder, 0700));
  // Wishes are replaced by a rename; our own files move in subfolders, or are challenges.
  if (::inotify_add_watch(changes.get(), folder.c_str(), IN_MOVED_TO) < 0) {
    return fail(from_errno(errno, fmt::format("watch {}", folder.string())));
  }
  std::optional<os::Fd> lock;
  Certifier certifier({.folder = folder});
  for (std::int64_t until_s = 0; wait_for_work(signals.get(), changes.get(), until_s);) {
    if (!lock) {
      auto taken = os::lock_file(folder / "certifier.lock");
      until_s = std::time(nullptr) + 1;
      if (!taken) continue;  // the one of a gateway that is just being replaced
      lock = std::move(*taken);
    }
    until_s = certifier.work(std::time(nullptr));
  }
  return 0;
}

}  // namespace ecluse::gateway
