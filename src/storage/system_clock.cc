#include "storage/system_clock.h"

#include <fmt/format.h>
#include <time.h>

#include <condition_variable>
#include <mutex>
#include <nlohmann/json.hpp>
#include <thread>

#include "base/locked.h"
#include "base/log.h"
#include "base/text.h"
#include "os/file.h"

namespace ecluse::storage {

namespace {
namespace fs = std::filesystem;
using nlohmann::json;

constexpr std::size_t kFileBytesMax = 4096;

std::int64_t read_ms(clockid_t clock) {
  timespec time{};
  ::clock_gettime(clock, &time);
  return static_cast<std::int64_t>(time.tv_sec) * 1000 + time.tv_nsec / 1'000'000;
}

std::string to_text(const ClockAnchor& anchor) {
  return json{{"format", 1},
              {"ecluse_ms", ms_of(anchor.ecluse)},
              {"boot_id", anchor.reading.boot_id},
              {"boottime_ms", anchor.reading.boottime_ms},
              {"wall_ms", anchor.reading.wall_ms}}
      .dump();
}

std::optional<ClockAnchor> parse(const std::string& text) {
  const json parsed = json::parse(text, nullptr, false);
  try {
    return ClockAnchor{
        time_at(parsed.at("ecluse_ms").get<std::int64_t>()),
        {parsed.at("boot_id").get<std::string>(), parsed.at("boottime_ms").get<std::int64_t>(),
         parsed.at("wall_ms").get<std::int64_t>()}};
  } catch (const json::exception&) {
    return std::nullopt;  // the caller says so and puts the file aside
  }
}

Result<void> put_aside(const fs::path& file) {
  const fs::path aside = file.string() + ".damaged";
  std::error_code error;
  fs::rename(file, aside, error);
  if (error) return fail(from_errno(error.value(), fmt::format("rename {}", file.string())));
  log_warn("clock file {} is damaged; put aside as {}, time goes on from the newest event",
           file.string(), aside.string());
  return {};
}

/// The anchor on disk, raised to the floor. None yet, or a lost one: the floor, now.
Result<ClockAnchor> load(const fs::path& file, TimePoint floor, const ClockReading& now) {
  const ClockAnchor fresh{floor, now};
  const auto text = os::read_file(file, kFileBytesMax);
  if (!text && text.error().kind == ErrorKind::kNotFound) return fresh;
  if (!text && text.error().kind != ErrorKind::kExhausted) return fail(text.error());
  const auto stored = text ? parse(*text) : std::nullopt;
  if (!stored) {
    ECLUSE_TRY(put_aside(file));
    return fresh;
  }
  return ClockAnchor{std::max(ecluse_time(*stored, now), floor), now};
}
}  // namespace

Result<ClockReading> read_system_clocks() {
  // Read once: the id is the kernel's for as long as this process can live.
  static const Result<std::string> boot_id = os::read_file("/proc/sys/kernel/random/boot_id", 128);
  if (!boot_id) return fail(in_context("reading the boot id", boot_id.error()));
  return ClockReading{std::string(trim(*boot_id)), read_ms(CLOCK_BOOTTIME),
                      read_ms(CLOCK_REALTIME)};
}

struct SystemClock::Parts {
  fs::path file;
  SystemClockOptions options;
  Locked<ClockAnchor> anchor;
  std::mutex mutex;  // only to wait on; the anchor has its own
  std::condition_variable_any wake;
  bool persist_failed = false;
  std::jthread persister;

  TimePoint advance() {
    const auto reading = options.read();
    return anchor.with([&](ClockAnchor& last) {
      // The boot id was readable at open; should it not be now, time stands still until it is.
      if (reading) last = {ecluse_time(last, *reading), *reading};
      return last.ecluse;
    });
  }

  void persist() {
    advance();
    const auto text = anchor.with([](const ClockAnchor& last) { return to_text(last); });
    const auto written = os::replace_file(file, text, 0600);
    if (!written && !persist_failed) log_warn("clock: {}", written.error().message);
    persist_failed = !written;
  }

  void persist_until(const std::stop_token& stop) {
    std::unique_lock guard(mutex);
    while (!stop.stop_requested()) {
      persist();
      wake.wait_for(guard, stop, options.persist_interval, [] { return false; });
    }
    persist();
  }
};

SystemClock::SystemClock(std::unique_ptr<Parts> parts) : parts_(std::move(parts)) {}
SystemClock::~SystemClock() = default;

Result<std::unique_ptr<SystemClock>> SystemClock::open(const fs::path& file,
                                                       SystemClockOptions options) {
  ECLUSE_ASSIGN(const ClockReading now, options.read());
  ECLUSE_ASSIGN(ClockAnchor anchor, load(file, options.floor, now));
  auto parts = std::make_unique<Parts>();
  parts->file = file;
  parts->options = std::move(options);
  parts->anchor.with([&](ClockAnchor& first) { first = std::move(anchor); });
  parts->persister =
      std::jthread([p = parts.get()](const std::stop_token& stop) { p->persist_until(stop); });
  return std::unique_ptr<SystemClock>(new SystemClock(std::move(parts)));
}

TimePoint SystemClock::now() {
  return parts_->advance();
}

WallTime SystemClock::wall() {
  return WallTime{read_ms(CLOCK_REALTIME)};
}

}  // namespace ecluse::storage
