#include "gateway/outcome_rings.h"

#include <fmt/format.h>
#include <sodium.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <span>
#include <utility>

namespace ecluse::gateway {

namespace {
constexpr std::uint64_t kMagic = 0x31524f45;  // "EOR1": also the layout's version

struct Header {
  std::uint64_t magic;
  std::array<unsigned char, 8> epoch;
  std::array<unsigned char, crypto_shorthash_KEYBYTES> client_key;
};

Result<void> fill_with_random(std::span<unsigned char> bytes) {
  if (::getrandom(bytes.data(), bytes.size(), 0) == static_cast<ssize_t>(bytes.size())) return {};
  return fail(from_errno(errno, "getrandom"));
}
struct Name {
  std::array<char, 96> site;
  std::string_view text() const { return {site.data(), ::strnlen(site.data(), site.size())}; }
};
}  // namespace

struct OutcomeRings::Layout {
  Header header;
  std::array<Name, kTrialsMax> names;
  std::array<OutcomeRing, kTrialsMax> rings;
};

std::size_t OutcomeRings::bytes() {
  return sizeof(Layout);
}

Result<void> OutcomeRings::prepare(int fd, std::int64_t offset) {
  Header header{.magic = kMagic, .epoch = {}, .client_key = {}};
  ECLUSE_TRY(fill_with_random(header.epoch));
  ECLUSE_TRY(fill_with_random(header.client_key));
  if (::pwrite(fd, &header, sizeof header, offset) != static_cast<ssize_t>(sizeof header)) {
    return fail(from_errno(errno, "write into shared memory"));
  }
  return {};
}

Result<OutcomeRings> OutcomeRings::map(int fd, std::int64_t offset) {
  void* const mapping =
      ::mmap(nullptr, sizeof(Layout), PROT_READ | PROT_WRITE, MAP_SHARED, fd, offset);
  if (mapping == MAP_FAILED) return fail(from_errno(errno, "mmap the gateway's shared memory"));
  OutcomeRings rings(mapping);
  if (rings.layout().header.magic != kMagic) {
    return fail(ErrorKind::kInvalid, "the gateway's shared memory keeps outcomes in another layout",
                "restart the gateway as a whole");
  }
  return rings;
}

OutcomeRings::OutcomeRings(OutcomeRings&& other) noexcept
    : mapping_(std::exchange(other.mapping_, nullptr)) {}
OutcomeRings::~OutcomeRings() {
  if (mapping_ != nullptr) (void)::munmap(mapping_, sizeof(Layout));  // cannot fail on our mapping
}

std::optional<TrialId> OutcomeRings::find_locked(std::string_view site) const {
  const auto& names = layout().names;
  const auto* const found = std::ranges::find(names, site, &Name::text);
  if (found == names.end()) return std::nullopt;
  return static_cast<TrialId>(found - names.begin());
}

std::optional<TrialId> OutcomeRings::find(std::string_view site) const {
  const std::lock_guard guard(names_);
  return find_locked(site);
}

std::optional<TrialId> OutcomeRings::free_ring(const std::set<std::string>& on_trial) const {
  if (const auto unused = find_locked("")) return unused;
  const auto& names = layout().names;
  const auto* const over = std::ranges::find_if(
      names, [&](const Name& name) { return !on_trial.contains(std::string(name.text())); });
  if (over == names.end()) return std::nullopt;
  return static_cast<TrialId>(over - names.begin());
}

Result<TrialId> OutcomeRings::begin(const std::string& site, model::ReleaseNumber release,
                                    const std::set<std::string>& on_trial) {
  const std::lock_guard guard(names_);
  const auto known = find_locked(site);
  if (known && ring(*known).release() == release) return *known;
  const auto taken = known ? known : free_ring(on_trial);
  if (!taken) {
    return fail(ErrorKind::kExhausted,
                fmt::format("{} sites are on trial already; the requests of {} are not recorded",
                            kTrialsMax, site));
  }
  Name& name = layout().names[*taken];
  if (site.empty() || site.size() >= name.site.size()) {
    return fail(ErrorKind::kInvalid, fmt::format("the name '{}' is too long", site));
  }
  name.site.fill('\0');
  std::ranges::copy(site, name.site.begin());
  ring(*taken).begin_trial(release);
  return *taken;
}

void OutcomeRings::end(std::string_view site) {
  const std::lock_guard guard(names_);
  const auto known = find_locked(site);
  if (known && ring(*known).release() != 0) ring(*known).begin_trial(0);
}

OutcomeRing& OutcomeRings::ring(TrialId id) {
  return layout().rings[id];
}
const OutcomeRing& OutcomeRings::ring(TrialId id) const {
  return layout().rings[id];
}

std::string OutcomeRings::epoch() const {
  std::uint64_t epoch = 0;
  std::memcpy(&epoch, layout().header.epoch.data(), sizeof epoch);
  return fmt::format("{:016x}", epoch);
}

std::uint64_t OutcomeRings::hash_of(std::string_view client) const {
  std::uint64_t hash = 0;
  static_assert(sizeof hash == crypto_shorthash_BYTES);
  crypto_shorthash(reinterpret_cast<unsigned char*>(&hash),
                   reinterpret_cast<const unsigned char*>(client.data()), client.size(),
                   layout().header.client_key.data());
  return std::max<std::uint64_t>(hash, 1);
}

void OutcomeRings::settle_orphans(std::uint64_t now_ms) {
  for (TrialId id = 0; id < kTrialsMax; ++id) {
    if (ring(id).release() != 0) ring(id).settle_orphans(now_ms);
  }
}

}  // namespace ecluse::gateway
