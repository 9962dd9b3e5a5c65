#include "gateway/control.h"

#include <fmt/format.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <ctime>
#include <set>

#include "base/log.h"
#include "base/text.h"
#include "gateway/http1_chars.h"
#include "gateway/http1_head.h"
#include "gateway/override_token.h"
#include "gateway/page_files.h"

namespace ecluse::gateway {

namespace {
using std::chrono::milliseconds;
constexpr milliseconds kSwapTimeout{3000};
constexpr milliseconds kPersistTimeout{10'000};
}  // namespace

Persister::Persister(std::filesystem::path file) : file_(std::move(file)) {
  if (!file_.empty()) thread_ = std::thread([this] { run(); });
}

Persister::~Persister() {
  desk_.change([](Desk& desk) { desk.ends = true; });
  if (thread_.joinable()) thread_.join();
}

void Persister::put(std::uint64_t version, std::string text) {
  desk_.change([&](Desk& desk) {
    desk.wanted = version;
    desk.text = std::move(text);
  });
}

Result<void> Persister::await(std::uint64_t version, milliseconds timeout) {
  if (file_.empty()) return {};
  const auto is_tried = [&](const Desk& desk) { return desk.tried >= version; };
  return desk_.when(timeout, is_tried, [&](const Desk& desk) -> Result<void> {
    if (desk.written >= version) return {};
    if (desk.tried >= version) return fail(in_context("served, but not on disk", desk.error));
    return fail(ErrorKind::kTimeout, "served, but not on disk yet: the disk does not answer");
  });
}

void Persister::run() {
  constexpr std::chrono::hours kForever{1};
  for (bool ends = false; !ends;) {
    std::uint64_t version = 0;
    std::string text;
    desk_.when(
        kForever, [](const Desk& desk) { return desk.ends || desk.wanted > desk.tried; },
        [&](Desk& desk) {
          ends = desk.ends && desk.wanted == desk.tried;
          version = desk.wanted > desk.tried ? desk.wanted : 0;
          text = desk.text;
        });
    if (version == 0) continue;
    auto saved = save_state(file_, text);
    if (!saved) log_error("gateway: {}", saved.error().message);
    desk_.change([&](Desk& desk) {
      desk.tried = version;
      if (saved) desk.written = version;
      if (!saved) desk.error = saved.error();
    });
  }
}

Control::Control(Setup setup)
    : setup_(std::move(setup)),
      desk_(Desk(std::move(setup_.certificates))),
      persister_(setup_.state_file) {}

Control::~Control() {
  stop_watching();
  const WorkerContext& context = *setup_.context;
  if (followed_) context.memory->stop_following(static_cast<std::uint32_t>(context.first_row));
}

Result<std::unique_ptr<Control>> Control::start(Setup setup) {
  const std::filesystem::path folder = setup.certificates.folder;
  std::unique_ptr<Control> control(new Control(std::move(setup)));
  ECLUSE_TRY(control->load());
  const WorkerContext& context = *control->setup_.context;
  const auto table = control->desk_.with([](Desk& desk) { return desk.table; });
  for (std::size_t i = 0; i < context.threads; ++i) {
    ECLUSE_ASSIGN(auto thread, WorkerThread::start(context, context.first_row + i, table));
    control->threads_.push_back(std::move(thread));
  }
  control->watcher_ =
      std::thread([raw = control.get(), folder] { raw->watch_certificates(folder); });
  return control;
}

Result<void> Control::load() {
  SharedMemory& memory = *setup_.context->memory;
  rotate(memory.ticket_keys(), std::time(nullptr));  // the very first client may resume as well
  LoadedState loaded;
  const auto image = memory.load_image();
  auto newest = image ? parse_state_text(*image) : Result<GatewayState>(GatewayState());
  if (!newest) log_error("gateway: the table in shared memory: {}", newest.error().message);
  if (image && newest) {
    loaded.state = std::move(*newest);
  } else if (!setup_.state_file.empty()) {
    ECLUSE_ASSIGN(loaded, load_state(setup_.state_file));
  }
  if (!loaded.complaint.empty()) log_error("gateway: {}", loaded.complaint);
  for (const Latch& latch : loaded.state.latches) {
    ECLUSE_TRY(memory.latch(latch.rollout, latch.release));
  }
  return desk_.with([&](Desk& desk) -> Result<void> {
    desk.state.sites = std::move(loaded.state.sites);
    for (const auto& [key, known] : desk.state.sites) {
      if (known.is_removed) continue;
      ECLUSE_ASSIGN(RouteTable::Entry entry, build_entry(desk, known.site));
      desk.entries.insert_or_assign(key, std::move(entry));
    }
    rebuild_table(desk);
    return {};
  });
}

std::vector<std::uint16_t> Control::site_ports() {
  return desk_.with([](const Desk& desk) {
    std::vector<std::uint16_t> ports;
    for (const auto& [key, entry] : desk.entries) {
      if (entry.port) ports.push_back(*entry.port);
    }
    return ports;
  });
}

Result<RouteTable::Entry> Control::build_entry(Desk& desk, const ports::Site& site) {
  const auto is_needed = [&](const std::string& name, model::ReleaseNumber release) {
    const auto key = model::parse_environment_key(name);
    const auto known = key ? desk.state.sites.find(*key) : desk.state.sites.end();
    if (known == desk.state.sites.end() || known->second.is_removed) return false;
    const auto& arms = known->second.site.arms;
    return std::ranges::find(arms, release, &ports::Arm::release) != arms.end();
  };
  std::map<model::ReleaseNumber, std::uint32_t> slots;
  for (const ports::Arm& arm : site.arms) {
    if (arm.release == 0) return fail(ErrorKind::kInvalid, "release 0 takes no traffic");
    ECLUSE_ASSIGN(slots[arm.release],
                  setup_.context->memory->slot_of(site.key, arm.release, is_needed));
  }
  ports::Site with_pages = site;
  with_pages.pages = pages_of(site);
  return make_entry(with_pages, desk.ids, slots, begin_trial(desk, site));
}

/// Traffic goes on where outcomes cannot be recorded: the judge will find none.
TrialId Control::begin_trial(const Desk& desk, const ports::Site& site) {
  if (!site.on_trial) {
    setup_.context->memory->outcomes().end(to_string(site.key));
    return kNoTrial;
  }
  std::set<std::string> on_trial{to_string(site.key)};
  for (const auto& [key, known] : desk.state.sites) {
    if (!known.is_removed && known.site.on_trial) on_trial.insert(to_string(key));
  }
  auto trial =
      setup_.context->memory->outcomes().begin(to_string(site.key), *site.on_trial, on_trial);
  if (trial) return *trial;
  log_error("gateway: {}", trial.error().message);
  return kNoTrial;
}

std::optional<ports::Site> Control::find(const model::EnvironmentKey& key) {
  return desk_.with([&](const Desk& desk) -> std::optional<ports::Site> {
    const auto known = desk.state.sites.find(key);
    if (known == desk.state.sites.end() || known->second.is_removed) return std::nullopt;
    return known->second.site;
  });
}

void Control::rebuild_table(Desk& desk) {
  if (!desk.tls) desk.tls = make_tls_table(desk);
  std::vector<RouteTable::Entry> entries;
  for (const auto& [key, entry] : desk.entries) entries.push_back(entry);
  auto table = std::make_shared<RouteTable>(desk.everywhere ? RouteTable::catch_all(desk.everywhere)
                                                            : RouteTable(entries));
  table->set_tls(desk.tls);
  desk.table = std::move(table);
}

std::shared_ptr<const TlsTable> Control::make_tls_table(Desk& desk) {
  std::vector<ports::Site> sites;
  for (const auto& [key, known] : desk.state.sites) {
    if (!known.is_removed && known.site.tls) sites.push_back(known.site);
  }
  return desk.certificates.table(sites, setup_.context->memory->ticket_keys(), std::time(nullptr));
}

/// The newest table on every thread: returns its version.
Result<std::uint64_t> Control::swap_in(Desk& desk) {
  const auto former = std::move(desk.table);  // freed here, not by a thread that carries traffic
  rebuild_table(desk);
  const std::uint64_t version = ++desk.version;
  for (const auto& thread : threads_) thread->swap(desk.table, version);
  bool all = true;
  for (const auto& thread : threads_) all = thread->await_swap(version, kSwapTimeout) && all;
  if (!all) {
    return fail(ErrorKind::kUnavailable,
                "a worker thread did not take the new table within three seconds");
  }
  return version;
}

/// Certificates that changed, challenges that came and ticket keys that grew old go to the threads
/// by a table with the same routes.
void Control::look_at_certificates(Desk& desk) {
  const std::int64_t now_s = std::time(nullptr);
  const bool is_rotated = rotate(setup_.context->memory->ticket_keys(), now_s);
  if (!is_rotated && !desk.certificates.is_stale(now_s)) return;
  desk.tls = nullptr;
  const auto swapped = swap_in(desk);
  if (!swapped) return log_error("gateway: new certificates: {}", swapped.error().message);
  const auto told = desk.certificates.acknowledge();
  if (!told) log_error("gateway: {}", told.error().message);
}

void Control::watch_certificates(const std::filesystem::path& folder) {
  constexpr milliseconds kEvery{500};
  CertifierChild certifier(folder);
  for (bool ends = false; !ends;) {
    const bool wants_certifier = desk_.with([&](Desk& desk) {
      look_at_certificates(desk);
      return desk.certificates.wants_certifier();
    });
    if (wants_certifier) certifier.keep_running(std::time(nullptr));
    ends_.when(kEvery, [](bool asked) { return asked; }, [&](bool asked) { ends = asked; });
  }
}

std::string Control::image_of(const Desk& desk) const {
  GatewayState state{desk.state.sites, setup_.context->memory->latches()};
  return state_text(state);
}

Result<void> Control::check_fence(const Desk& desk, const model::EnvironmentKey& key,
                                  const ports::Fence& fence) const {
  const auto known = desk.state.sites.find(key);
  if (known == desk.state.sites.end()) return {};
  const ports::Fence& newest = known->second.fence;
  if (std::pair(fence.term, fence.sequence) >= std::pair(newest.term, newest.sequence)) return {};
  return fail(
      ErrorKind::kConflict,
      fmt::format("{}: decision {} of term {} is older than {} of term {}, which stands",
                  to_string(key), fence.sequence, fence.term, newest.sequence, newest.term));
}

Result<void> Control::check_latches(const ports::Site& site, const ports::Fence& fence) const {
  for (const ports::Arm& arm : site.arms) {
    if (arm.weight_ppm == 0 || !setup_.context->memory->is_latched(fence.rollout, arm.release)) {
      continue;
    }
    return fail(ErrorKind::kConflict,
                fmt::format("{}: release {} was aborted in rollout {} and gets no traffic in it",
                            to_string(site.key), arm.release, fence.rollout));
  }
  return {};
}

Result<void> Control::latch(const Desk& desk, const std::string& rollout,
                            model::ReleaseNumber release) {
  SharedMemory& memory = *setup_.context->memory;
  auto latched = memory.latch(rollout, release);
  if (latched || latched.error().kind != ErrorKind::kExhausted) return latched;
  std::vector<std::string> needed;
  for (const auto& [key, known] : desk.state.sites) needed.push_back(known.fence.rollout);
  memory.forget_latches_except(needed);
  return memory.latch(rollout, release);
}

/// Swaps the table in on every thread and hands the state on; returns its version.
Result<std::uint64_t> Control::publish(Desk& desk) {
  const auto swapped = swap_in(desk);
  std::string image = image_of(desk);
  SharedMemory& memory = *setup_.context->memory;
  ECLUSE_TRY(memory.store_image(image));
  persister_.put(desk.version, std::move(image));
  if (!memory.await_followers(memory.image_version(), kSwapTimeout)) {
    log_warn("gateway: a former worker process that still drains did not take the new table");
  }
  return swapped;
}

bool Control::tls_changes(const Desk& desk, const ports::Site& site) {
  const auto known = desk.state.sites.find(site.key);
  if (known == desk.state.sites.end() || known->second.is_removed) return site.tls.has_value();
  const ports::Site& old = known->second.site;
  return old.tls != site.tls ||
         (site.tls && (old.hosts != site.hosts || old.redirects != site.redirects));
}

void Control::settle() {
  settled_ = known_now();
  const std::uint64_t version = desk_.with([](const Desk& desk) { return desk.version; });
  if (version == 0) return;
  if (auto written = persister_.await(version, kPersistTimeout); !written) {
    log_warn("gateway: {}", written.error().message);
  }
}

Control::Known Control::known_now() const {
  const SharedMemory& memory = *setup_.context->memory;
  return {memory.image_version(), memory.drains()};
}

/// What a former worker process no longer does: its successor has certificates and tickets now.
void Control::stop_watching() {
  ends_.change([](bool& ends) { ends = true; });
  if (watcher_.joinable()) watcher_.join();
}

/// The successor may have decided between our last word and this call.
void Control::follow_another() {
  stop_watching();
  followed_ = settled_;
  follow_images();
}

void Control::follow_images() {
  const WorkerContext& context = *setup_.context;
  context.memory->follow_images(static_cast<std::uint32_t>(context.first_row), followed_->image);
}

void Control::follow_newest() {
  if (!followed_) return;
  follow_drains();
  const std::uint64_t version = setup_.context->memory->image_version();
  if (version == followed_->image) return;
  const auto taken = desk_.with([&](Desk& desk) { return take_image(desk); });
  // A newer version may write what we cannot read: then nobody may be routed by what we know.
  if (!taken) {
    log_error("gateway: draining at once: {}", taken.error().message);
    for (const auto& thread : threads_) thread->finish();
  }
  followed_->image = version;
  follow_images();
}

void Control::follow_drains() {
  const SharedMemory& memory = *setup_.context->memory;
  const std::uint64_t announced = memory.drains();
  const std::uint64_t missed =
      announced - std::min<std::uint64_t>(announced, SharedMemory::kDrainsKept);
  for (auto number = std::max(followed_->drains, missed); number < announced; ++number) {
    const auto drain = memory.drain_at(number);
    const Duration budget(static_cast<std::int64_t>(drain.websocket_budget_ms));
    for (const auto& thread : threads_) thread->drain(drain.slot, budget);
  }
  followed_->drains = announced;
}

Result<void> Control::take_image(Desk& desk) {
  const auto image = setup_.context->memory->load_image();
  if (!image) return {};
  ECLUSE_ASSIGN(GatewayState newest, parse_state_text(*image));
  desk.state.sites = std::move(newest.sites);
  desk.entries.clear();
  for (const auto& [key, known] : desk.state.sites) {
    if (known.is_removed) continue;
    ECLUSE_ASSIGN(RouteTable::Entry entry, build_entry(desk, known.site));
    desk.entries.insert_or_assign(key, std::move(entry));
  }
  rebuild_table(desk);
  const std::uint64_t version = ++desk.version;
  for (const auto& thread : threads_) thread->swap(desk.table, version);
  for (const auto& thread : threads_) (void)thread->await_swap(version, kSwapTimeout);
  return {};
}

/// The checks are done: makes the site the one that is served.
Result<std::uint64_t> Control::decide(Desk& desk, const ports::Site& site,
                                      const ports::Fence& fence) {
  auto entry = build_entry(desk, site);
  if (!entry) return fail(in_context(to_string(site.key), std::move(entry).error()));
  std::optional<std::uint16_t> former_port;
  if (const auto old = desk.entries.find(site.key); old != desk.entries.end()) {
    former_port = old->second.port;
  }
  if (site.port && site.port != former_port) ECLUSE_TRY(setup_.open_port(*site.port));
  if (tls_changes(desk, site)) desk.tls = nullptr;
  desk.entries.insert_or_assign(site.key, std::move(*entry));
  desk.state.sites.insert_or_assign(site.key, KnownSite{site, fence, false});
  const auto version = publish(desk);
  if (former_port && former_port != site.port) setup_.close_port(*former_port);
  return version;
}

Result<void> Control::serve_everywhere(const ports::Site& site) {
  return desk_.with([&](Desk& desk) -> Result<void> {
    ECLUSE_ASSIGN(const RouteTable::Entry entry, build_entry(desk, site));
    desk.everywhere = entry.route;
    if (const auto swapped = swap_in(desk); !swapped) return fail(swapped.error());
    return {};
  });
}

Result<void> Control::apply(const ports::Site& site, const ports::Fence& fence) {
  ECLUSE_TRY(check_page_files(site));
  const auto version = desk_.with([&](Desk& desk) -> Result<std::uint64_t> {
    ECLUSE_TRY(check_fence(desk, site.key, fence));
    ECLUSE_TRY(check_latches(site, fence));
    return decide(desk, site, fence);
  });
  if (!version) return fail(version.error());
  return persister_.await(*version, kPersistTimeout);
}

Result<void> Control::abort(const ports::Site& site, model::ReleaseNumber aborted,
                            const ports::Fence& fence) {
  const auto version = desk_.with([&](Desk& desk) -> Result<std::uint64_t> {
    // Latched before all else: an abort that comes too late to decide binds its rollout still.
    if (!fence.rollout.empty()) ECLUSE_TRY(latch(desk, fence.rollout, aborted));
    ECLUSE_TRY(check_fence(desk, site.key, fence));
    ECLUSE_TRY(check_latches(site, fence));
    return decide(desk, site, fence);
  });
  if (!version) return fail(version.error());
  return {};
}

Result<std::vector<model::ReleaseNumber>> Control::latched(const std::string& rollout) {
  std::vector<model::ReleaseNumber> releases;
  for (const Latch& latch : setup_.context->memory->latches()) {
    if (latch.rollout == rollout) releases.push_back(latch.release);
  }
  return releases;
}

Result<void> Control::remove(const model::EnvironmentKey& key, const ports::Fence& fence) {
  const auto version = desk_.with([&](Desk& desk) -> Result<std::uint64_t> {
    ECLUSE_TRY(check_fence(desk, key, fence));
    std::optional<std::uint16_t> port;
    if (const auto old = desk.entries.find(key); old != desk.entries.end()) {
      port = old->second.port;
    }
    desk.entries.erase(key);
    desk.tls = nullptr;
    KnownSite tombstone{.fence = fence, .is_removed = true};
    tombstone.site.key = key;
    desk.state.sites.insert_or_assign(key, std::move(tombstone));
    const auto published = publish(desk);
    if (port) setup_.close_port(*port);
    return published;
  });
  if (!version) return fail(version.error());
  return persister_.await(*version, kPersistTimeout);
}

Result<std::vector<ports::Site>> Control::sites() {
  return desk_.with([](const Desk& desk) {
    std::vector<ports::Site> sites;
    for (const auto& [key, known] : desk.state.sites) {
      if (!known.is_removed) sites.push_back(known.site);
    }
    return sites;
  });
}

Result<void> Control::drain(const model::EnvironmentKey& key, model::ReleaseNumber release,
                            Duration websocket_budget) {
  const auto counted = setup_.context->memory->find(key, release);
  if (!counted) return {};  // it never had traffic here
  for (const auto& thread : threads_) thread->drain(*counted, websocket_budget);
  const auto budget_ms =
      static_cast<std::uint64_t>(std::max<std::int64_t>(0, websocket_budget.count()));
  desk_.with([&](Desk&) { setup_.context->memory->announce_drain({*counted, budget_ms}); });
  return {};
}

Result<ports::SiteCounters> Control::counters(const model::EnvironmentKey& key) {
  return setup_.context->memory->counters(key);
}

namespace {
std::string host_of(const ports::Site& site) {
  if (site.hosts.empty()) return "localhost";
  const std::string& host = site.hosts.front();
  return host.starts_with("*.") ? "ecluse" + host.substr(1) : host;
}

Result<std::string> read_head(int fd) {
  const http1::HeadBounds bounds;
  http1::HeadScanner scanner(http1::HeadKind::kResponse);
  std::string bytes;
  std::array<char, 4096> chunk{};
  for (;;) {
    const ssize_t n = ::recv(fd, chunk.data(), chunk.size(), 0);
    if (n <= 0) return fail(ErrorKind::kUnavailable, "the gateway's listener gave no answer");
    bytes.append(chunk.data(), static_cast<std::size_t>(n));
    const auto state = scanner.scan(bytes, bounds);
    if (state == http1::HeadScanner::State::kComplete) return bytes.substr(0, scanner.head_end());
    if (state == http1::HeadScanner::State::kFault) {
      return fail(ErrorKind::kInternal, "the gateway's own answer is malformed");
    }
  }
}

Result<ports::Traffic::Answer> parse_answer(std::string_view head) {
  http1::Response response;
  if (http1::parse_response(head, false, response) != http1::Fault::kNone) {
    return fail(ErrorKind::kInternal, "the gateway's own answer is malformed");
  }
  ports::Traffic::Answer answer{0, response.status};
  const std::string_view release = response.fields.value_of(http1::FieldId::kRelease);
  (void)std::from_chars(release.data(), release.data() + release.size(), answer.release);
  return answer;  // without the field it is 0: no release answered
}
}  // namespace

Result<ports::Traffic::Answer> Control::ask(const model::EnvironmentKey& key,
                                            model::ReleaseNumber release, const std::string& path) {
  if (!path.starts_with('/') || !http1::all_in(http1::kTargetChars, path)) {
    return fail(ErrorKind::kInvalid, fmt::format("'{}' is no path to ask for", printable(path)));
  }
  constexpr int kTimeoutMs = 10'000;
  constexpr std::int64_t kTokenLifeS = 60;
  const auto site = desk_.with([&](const Desk& desk) -> Result<ports::Site> {
    const auto known = desk.state.sites.find(key);
    if (known == desk.state.sites.end() || known->second.is_removed) {
      return fail(ErrorKind::kNotFound, fmt::format("the gateway has no site {}", to_string(key)));
    }
    return known->second.site;
  });
  if (!site) return fail(site.error());
  ECLUSE_ASSIGN(const ListenAddress address, setup_.public_address(site->port));
  ECLUSE_ASSIGN(const os::Fd fd, connect_blocking(address, kTimeoutMs));
  const std::string token =
      sign_override(setup_.context->override_key, OverrideUse::kField, to_string(key), release,
                    std::time(nullptr) + kTokenLifeS);
  ECLUSE_TRY(os::write_all(
      fd.get(), fmt::format("GET {} HTTP/1.1\r\nHost: {}\r\nUser-Agent: ecluse\r\nAccept: */*\r\n"
                            "X-Ecluse-Override: {}\r\nConnection: close\r\n\r\n",
                            path, host_of(*site), token)));
  ECLUSE_ASSIGN(const std::string head, read_head(fd.get()));
  return parse_answer(head);
}

}  // namespace ecluse::gateway
