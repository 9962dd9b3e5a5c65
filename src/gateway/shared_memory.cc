#include "gateway/shared_memory.h"

#include <fmt/format.h>
#include <signal.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cassert>
#include <cerrno>
#include <cstring>
#include <thread>
#include <utility>

namespace ecluse::gateway {

struct SharedMemory::SlotName {
  std::array<char, 92> site;
  model::ReleaseNumber release;  ///< 0: the slot is free
};

namespace {
constexpr std::uint32_t kMagic = 0x34474345;  // "ECG4": also the layout's version

struct LatchEntry {
  std::array<char, 123> rollout;
  std::atomic<bool> is_set;
  model::ReleaseNumber release;
};

struct DrainEntry {
  std::atomic<std::uint32_t> slot;
  std::atomic<std::uint64_t> websocket_budget_ms;
};

struct ImageHeader {
  std::uint64_t bytes;
};

template <std::size_t N>
std::string_view text_of(const std::array<char, N>& chars) {
  return {chars.data(), ::strnlen(chars.data(), N)};
}
template <std::size_t N>
void set_text(std::array<char, N>& chars, std::string_view text) {
  chars.fill('\0');
  std::copy_n(text.begin(), std::min(text.size(), N - 1), chars.begin());
}
}  // namespace

struct SharedMemory::Follower {
  std::atomic<std::int32_t> pid;  ///< 0: nobody
  std::atomic<std::uint64_t> version;
};

struct SharedMemory::Layout {
  std::uint32_t magic;
  std::atomic<std::uint32_t> newest_image;  ///< 0: none, else 1 or 2
  std::atomic<std::uint64_t> image_version;
  std::array<Follower, kThreadsMax> followers;
  std::array<SlotName, kSlotsMax> slots;
  std::array<LatchEntry, kLatchesMax> latches;
  TicketKeys ticket_keys;
  std::atomic<std::uint64_t> drains;  ///< announced so far
  std::array<DrainEntry, kDrainsKept> newest_drains;
  std::array<std::array<CounterCell, kSlotsMax>, kThreadsMax> cells;
};

namespace {
// Images are read and written through the descriptor, so that they are never part of our mapping.
off_t image_offset(std::size_t mapped, std::uint32_t image) {
  constexpr std::size_t kPage = 4096;
  const std::size_t first = (mapped + kPage - 1) / kPage * kPage;
  return static_cast<off_t>(first + (image - 1) * (SharedMemory::kImageBytesMax + kPage));
}

Result<void> write_at(int fd, std::string_view bytes, off_t offset) {
  while (!bytes.empty()) {
    const ssize_t n = ::pwrite(fd, bytes.data(), bytes.size(), offset);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return fail(from_errno(errno, "write the table into shared memory"));
    bytes.remove_prefix(static_cast<std::size_t>(n));
    offset += n;
  }
  return {};
}

bool read_at(int fd, std::span<char> bytes, off_t offset) {
  while (!bytes.empty()) {
    const ssize_t n = ::pread(fd, bytes.data(), bytes.size(), offset);
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return false;
    bytes = bytes.subspan(static_cast<std::size_t>(n));
    offset += n;
  }
  return true;
}
}  // namespace

namespace {
off_t measures_offset(off_t outcomes_at) {
  constexpr std::size_t kPage = 4096;
  return outcomes_at + static_cast<off_t>((OutcomeRings::bytes() + kPage - 1) / kPage * kPage);
}

/// Before any of it is mapped: a smaller file would end us at the first touch.
Result<void> check_layout(int fd) {
  std::uint32_t magic = 0;
  if (read_at(fd, {reinterpret_cast<char*>(&magic), sizeof magic}, 0) && magic == kMagic) return {};
  return fail(ErrorKind::kInvalid, "the gateway's shared memory has another layout",
              "restart the gateway as a whole");
}
}  // namespace

Result<os::Fd> SharedMemory::create() {
  os::Fd fd(::memfd_create("ecluse-gateway", MFD_CLOEXEC));
  if (!fd) return fail(from_errno(errno, "memfd_create"));
  const off_t outcomes_at = image_offset(sizeof(Layout), 3);
  const off_t bytes = measures_offset(outcomes_at) + static_cast<off_t>(Measures::bytes());
  if (::ftruncate(fd.get(), bytes) != 0) return fail(from_errno(errno, "ftruncate a memfd"));
  const std::uint32_t magic = kMagic;
  const std::string_view header(reinterpret_cast<const char*>(&magic), sizeof magic);
  ECLUSE_TRY(write_at(fd.get(), header, 0));
  ECLUSE_TRY(OutcomeRings::prepare(fd.get(), outcomes_at));
  return fd;
}

Result<SharedMemory> SharedMemory::map(os::Fd fd) {
  ECLUSE_TRY(check_layout(fd.get()));
  const off_t outcomes_at = image_offset(sizeof(Layout), 3);
  ECLUSE_ASSIGN(OutcomeRings outcomes, OutcomeRings::map(fd.get(), outcomes_at));
  ECLUSE_ASSIGN(Measures measures, Measures::map(fd.get(), measures_offset(outcomes_at)));
  void* const mapping =
      ::mmap(nullptr, sizeof(Layout), PROT_READ | PROT_WRITE, MAP_SHARED, fd.get(), 0);
  if (mapping == MAP_FAILED) return fail(from_errno(errno, "mmap the gateway's shared memory"));
  return SharedMemory(std::move(fd), mapping, std::move(outcomes), std::move(measures));
}

SharedMemory::SharedMemory(os::Fd fd, void* mapping, OutcomeRings outcomes, Measures measures)
    : fd_(std::move(fd)),
      mapping_(mapping),
      outcomes_(std::move(outcomes)),
      measures_(std::move(measures)) {}
SharedMemory::SharedMemory(SharedMemory&& other) noexcept
    : fd_(std::move(other.fd_)),
      mapping_(std::exchange(other.mapping_, nullptr)),
      outcomes_(std::move(other.outcomes_)),
      measures_(std::move(other.measures_)) {}
SharedMemory::~SharedMemory() {
  if (mapping_ != nullptr) (void)::munmap(mapping_, sizeof(Layout));  // cannot fail on our mapping
}

CounterCell& SharedMemory::cell(std::size_t thread, std::uint32_t slot) {
  return layout().cells[thread][slot];
}

TicketKeys& SharedMemory::ticket_keys() {
  return layout().ticket_keys;
}

std::uint64_t SharedMemory::in_flight(std::uint32_t slot) const {
  std::uint64_t sum = 0;
  for (const auto& thread : layout().cells) sum += thread[slot].in_flight.load();
  return sum;
}

void SharedMemory::forget_in_flight(const std::vector<Rows>& living) {
  for (std::uint32_t row = 0; row < kThreadsMax; ++row) {
    const bool lives = std::ranges::any_of(
        living, [&](const Rows& r) { return row >= r.first && row < r.first + r.count; });
    if (lives) continue;
    auto& thread = layout().cells[row];
    for (std::uint32_t slot = 0; slot < kSlotsMax; ++slot) {
      if (layout().slots[slot].release == 0) break;  // slots fill from the front
      thread[slot].in_flight.store(0);
      thread[slot].websockets.store(0);
    }
  }
}

std::optional<std::uint32_t> SharedMemory::find_slot(const std::string& site,
                                                     model::ReleaseNumber release) const {
  for (std::uint32_t slot = 0; slot < kSlotsMax; ++slot) {
    const SlotName& name = layout().slots[slot];
    if (name.release == 0) return std::nullopt;
    if (name.release == release && text_of(name.site) == site) return slot;
  }
  return std::nullopt;
}

std::optional<std::uint32_t> SharedMemory::free_slot() const {
  const auto& slots = layout().slots;
  const auto* const free = std::ranges::find(slots, 0U, &SlotName::release);
  if (free == slots.end()) return std::nullopt;
  return static_cast<std::uint32_t>(free - slots.begin());
}

std::pair<std::string, model::ReleaseNumber> SharedMemory::name_of(std::uint32_t slot) const {
  const SlotName& name = layout().slots[slot];
  return {std::string(text_of(name.site)), name.release};
}

Result<std::uint32_t> SharedMemory::take_slot(std::uint32_t slot, const std::string& site,
                                              model::ReleaseNumber release) {
  SlotName& name = layout().slots[slot];
  if (site.size() >= name.site.size()) {
    return fail(ErrorKind::kInvalid, fmt::format("the name {} is too long", site));
  }
  for (auto& thread : layout().cells) {
    CounterCell& cell = thread[slot];
    if (cell.requests.load() + cell.failures.load() == 0) continue;  // keeps untouched pages so
    cell.requests = cell.errors_5xx = cell.failures = 0;
  }
  measures_.forget(slot);
  set_text(name.site, site);
  name.release = release;
  return slot;
}

void SharedMemory::add_counters(std::uint32_t slot, ports::ArmCounters& arm) const {
  for (const auto& thread : layout().cells) {
    const CounterCell& cell = thread[slot];
    arm.in_flight += cell.in_flight.load(std::memory_order_acquire);
    arm.requests += cell.requests.load(std::memory_order_relaxed);
    arm.errors_5xx += cell.errors_5xx.load(std::memory_order_relaxed);
    arm.failures += cell.failures.load(std::memory_order_relaxed);
    arm.websockets += cell.websockets.load(std::memory_order_relaxed);
  }
}

ports::SiteCounters SharedMemory::counters(const model::EnvironmentKey& key) const {
  const std::string site = to_string(key);
  ports::SiteCounters counters;
  for (std::uint32_t slot = 0; slot < kSlotsMax && layout().slots[slot].release != 0; ++slot) {
    const SlotName& name = layout().slots[slot];
    if (text_of(name.site) == site) add_counters(slot, counters.arms[name.release]);
  }
  return counters;
}

std::vector<SharedMemory::Counted> SharedMemory::all_counters() const {
  std::vector<Counted> all;
  for (std::uint32_t slot = 0; slot < kSlotsMax && layout().slots[slot].release != 0; ++slot) {
    const SlotName& name = layout().slots[slot];
    const auto site = model::parse_environment_key(text_of(name.site));
    assert(site);  // to_string() wrote it
    Counted counted{*site, name.release, slot, {}};
    add_counters(slot, counted.counters);
    all.push_back(std::move(counted));
  }
  return all;
}

Result<void> SharedMemory::latch(const std::string& rollout, model::ReleaseNumber release) {
  if (is_latched(rollout, release)) return {};
  for (LatchEntry& entry : layout().latches) {
    if (entry.is_set.load(std::memory_order_acquire)) continue;
    if (rollout.empty() || rollout.size() >= entry.rollout.size()) {
      return fail(ErrorKind::kInvalid, fmt::format("'{}' is no rollout to latch", rollout));
    }
    set_text(entry.rollout, rollout);
    entry.release = release;
    entry.is_set.store(true, std::memory_order_release);
    return {};
  }
  return fail(ErrorKind::kExhausted, "the gateway holds 1024 latches of aborted rollouts already");
}

std::vector<Latch> SharedMemory::latches() const {
  std::vector<Latch> found;
  for (const LatchEntry& entry : layout().latches) {
    if (!entry.is_set.load(std::memory_order_acquire)) continue;
    found.push_back({std::string(text_of(entry.rollout)), entry.release});
  }
  return found;
}

bool SharedMemory::is_latched(std::string_view rollout, model::ReleaseNumber release) const {
  return std::ranges::any_of(layout().latches, [&](const LatchEntry& entry) {
    return entry.is_set.load(std::memory_order_acquire) && entry.release == release &&
           text_of(entry.rollout) == rollout;
  });
}

void SharedMemory::forget_latches_except(const std::vector<std::string>& rollouts_needed) {
  for (LatchEntry& entry : layout().latches) {
    const bool is_needed =
        std::ranges::find(rollouts_needed, text_of(entry.rollout)) != rollouts_needed.end();
    if (!is_needed) entry.is_set.store(false, std::memory_order_release);
  }
}

Result<void> SharedMemory::store_image(std::string_view image) {
  if (image.size() > kImageBytesMax) {
    return fail(ErrorKind::kExhausted,
                fmt::format("the gateway's table takes {} bytes, more than the {} it may",
                            image.size(), kImageBytesMax));
  }
  const std::uint32_t next = layout().newest_image.load() == 1 ? 2 : 1;
  const ImageHeader header{image.size()};
  const off_t offset = image_offset(sizeof(Layout), next);
  const std::string_view header_bytes(reinterpret_cast<const char*>(&header), sizeof header);
  ECLUSE_TRY(write_at(fd_.get(), header_bytes, offset));
  ECLUSE_TRY(write_at(fd_.get(), image, offset + static_cast<off_t>(sizeof header)));
  layout().newest_image.store(next, std::memory_order_release);
  layout().image_version.fetch_add(1, std::memory_order_release);
  return {};
}

std::uint64_t SharedMemory::image_version() const {
  return layout().image_version.load(std::memory_order_acquire);
}

void SharedMemory::follow_images(std::uint32_t row, std::uint64_t version) {
  layout().followers[row].version.store(version);
  layout().followers[row].pid.store(::getpid());
}

void SharedMemory::stop_following(std::uint32_t row) {
  layout().followers[row].pid.store(0);
}

void SharedMemory::announce_drain(const Drain& drain) {
  const std::uint64_t number = drains();
  DrainEntry& entry = layout().newest_drains[number % kDrainsKept];
  entry.slot.store(drain.slot);
  entry.websocket_budget_ms.store(drain.websocket_budget_ms);
  layout().drains.store(number + 1);
}

std::uint64_t SharedMemory::drains() const {
  return layout().drains.load();
}

SharedMemory::Drain SharedMemory::drain_at(std::uint64_t number) const {
  const DrainEntry& entry = layout().newest_drains[number % kDrainsKept];
  return {entry.slot.load(), entry.websocket_budget_ms.load()};
}

bool SharedMemory::has_followed(Follower& follower, std::uint64_t version) const {
  const std::int32_t pid = follower.pid.load();
  if (pid == 0 || follower.version.load() >= version) return true;
  if (::kill(pid, 0) == 0 || errno != ESRCH) return false;
  follower.pid.store(0);  // it was killed and could not say goodbye
  return true;
}

bool SharedMemory::await_followers(std::uint64_t version, std::chrono::milliseconds timeout) {
  const auto deadline = std::chrono::steady_clock::now() + timeout;
  auto& followers = layout().followers;
  while (!std::ranges::all_of(followers, [&](Follower& f) { return has_followed(f, version); })) {
    if (std::chrono::steady_clock::now() >= deadline) return false;
    std::this_thread::sleep_for(
        std::chrono::milliseconds(1));  // another process: no event to await
  }
  return true;
}

std::optional<std::string> SharedMemory::load_image() const {
  const std::uint32_t newest = layout().newest_image.load(std::memory_order_acquire);
  if (newest == 0) return std::nullopt;
  const off_t offset = image_offset(sizeof(Layout), newest);
  ImageHeader header{};
  if (!read_at(fd_.get(), {reinterpret_cast<char*>(&header), sizeof header}, offset) ||
      header.bytes > kImageBytesMax) {
    return std::nullopt;
  }
  std::string image(header.bytes, '\0');
  if (!read_at(fd_.get(), image, offset + static_cast<off_t>(sizeof header))) return std::nullopt;
  return image;
}

}  // namespace ecluse::gateway
