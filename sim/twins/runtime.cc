#include "sim/twins/runtime.h"

#include <fmt/format.h>

namespace ecluse::sim {

namespace {
constexpr int kCrashLoop = 5;
constexpr Duration kRestartDelay = std::chrono::milliseconds(500);

bool is_name(const std::string& id) {
  return !id.empty() &&
         id.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789-") == std::string::npos;
}
}  // namespace

Result<ports::InstanceStatus> TwinRuntime::start(const ports::Launch& launch) {
  if (auto error = fault("runtime.start")) return fail(*error);
  if (!is_name(launch.id))
    return fail(ErrorKind::kInvalid, fmt::format("`{}` is no instance id", launch.id));
  const auto found = instances_.find(launch.id);
  if (found != instances_.end()) {
    if (found->second.launch != launch)
      return fail(ErrorKind::kConflict, fmt::format("{} runs something else", launch.id));
    return found->second.status;
  }
  if (before_start) before_start(launch);
  Instance instance{.launch = launch, .habits = habits ? habits(launch) : Habits{}};
  if (instance.habits.cannot_start)
    return fail(ErrorKind::kInvalid, fmt::format("{}: no such file", launch.id));
  instance.status = {.id = launch.id,
                     .app = launch.app,
                     .environment = launch.environment,
                     .owner = launch.owner,
                     .state = ports::InstanceState::kRunning,
                     .address = fmt::format("10.83.{}.{}", addresses_ / 250, addresses_ % 250 + 2),
                     .port = launch.port.value_or(0),
                     .starts = 0,
                     .pid = 100 + addresses_};
  addresses_ += 1;
  auto& stored = instances_[launch.id] = std::move(instance);
  boot(stored);
  return stored.status;
}

void TwinRuntime::later(const Instance& instance, Duration delay,
                        void (TwinRuntime::*what)(Instance&)) {
  scheduler_.after(delay, [this, id = instance.launch.id, life = instance.life, what] {
    const auto found = instances_.find(id);
    if (found != instances_.end() && found->second.life == life) (this->*what)(found->second);
  });
}

void TwinRuntime::boot(Instance& instance) {
  instance.life = ++lives_;
  instance.status.state = ports::InstanceState::kRunning;
  instance.status.starts += 1;
  tell(instance.launch.id, ports::InstanceChange::kStarted);
  const auto& habits_of_it = instance.habits;
  const auto id = instance.launch.id;
  const auto turn = [&](Duration when, bool healthy) {
    scheduler_.after(when, [this, id, life = instance.life, healthy] {
      const auto found = instances_.find(id);
      if (found != instances_.end() && found->second.life == life)
        set_health(found->second, healthy);
    });
  };
  if (!habits_of_it.never_ready) turn(habits_of_it.boot, true);
  if (habits_of_it.flap_after) {
    turn(*habits_of_it.flap_after, false);
    turn(*habits_of_it.flap_after + habits_of_it.flap_for, true);
  }
  if (habits_of_it.crash_after) later(instance, *habits_of_it.crash_after, &TwinRuntime::crash);
}

void TwinRuntime::kill(const std::string& id, int signal) {
  const auto found = instances_.find(id);
  const bool runs =
      found != instances_.end() && found->second.status.state == ports::InstanceState::kRunning;
  if (runs) exited(found->second, 128 + signal);
}

void TwinRuntime::crash(Instance& instance) {
  exited(instance, 1);
}

void TwinRuntime::exited(Instance& instance, int exit_code) {
  instance.crashes += 1;
  instance.life = ++lives_;
  instance.status.last_exit = exit_code;
  set_health(instance, false);
  tell(instance.launch.id, ports::InstanceChange::kExited, exit_code);
  if (instance.crashes == kCrashLoop)
    tell(instance.launch.id, ports::InstanceChange::kCrashLooping);
  instance.status.state = instance.crashes >= kCrashLoop ? ports::InstanceState::kCrashLooping
                                                         : ports::InstanceState::kBackingOff;
  later(instance, kRestartDelay * (1 << std::min(instance.crashes, 10)), &TwinRuntime::boot);
}

void TwinRuntime::set_health(Instance& instance, bool healthy) {
  if (instance.healthy == healthy) return;
  instance.healthy = healthy;
  if (on_health) on_health(instance.launch.id, healthy);
}

void TwinRuntime::tell(const std::string& id, ports::InstanceChange change, int exit_code) {
  if (on_event_) on_event_({id, change, exit_code});
}

Result<void> TwinRuntime::stop(const std::string& id) {
  if (auto error = fault("runtime.stop")) return fail(*error);
  if (before_stop) before_stop(id);
  const auto found = instances_.find(id);
  if (found == instances_.end()) return {};
  set_health(found->second, false);
  instances_.erase(found);
  tell(id, ports::InstanceChange::kStopped);
  return {};
}

Result<int> TwinRuntime::run_job(const ports::Launch& launch, Duration,
                                 const ports::LineSink& sink) {
  if (auto error = fault("runtime.run_job")) return fail(*error);
  const auto known = job_results_.find(launch.id);
  if (known != job_results_.end()) return known->second;
  if (before_job) before_job(launch);
  job_runs[launch.id] += 1;
  const auto how = habits ? habits(launch) : Habits{};
  for (const auto& line : how.lines) sink(line);
  job_results_[launch.id] = how.job_exit;
  return how.job_exit;
}

Result<std::vector<ports::InstanceStatus>> TwinRuntime::list() {
  if (auto error = fault("runtime.list")) return fail(*error);
  std::vector<ports::InstanceStatus> all;
  for (const auto& [id, instance] : instances_) all.push_back(instance.status);
  return all;
}

Result<ports::InstanceStatus> TwinRuntime::status(const std::string& id) {
  const auto found = instances_.find(id);
  if (found == instances_.end()) return fail(ErrorKind::kNotFound, "there is no " + id);
  return found->second.status;
}

Result<ports::Usage> TwinRuntime::usage(const std::string& id) {
  const auto found = instances_.find(id);
  if (found == instances_.end()) return fail(ErrorKind::kNotFound, "there is no " + id);
  return ports::Usage{.memory_bytes = 64 << 20,
                      .memory_bytes_max = found->second.launch.limits.memory_bytes_max,
                      .pids = 1};
}

Result<std::vector<ports::Listener>> TwinRuntime::listeners(const std::string& id) {
  const auto found = instances_.find(id);
  if (found == instances_.end()) return fail(ErrorKind::kNotFound, "there is no " + id);
  if (found->second.status.port == 0) return std::vector<ports::Listener>{};
  return std::vector<ports::Listener>{{"0.0.0.0", found->second.status.port}};
}

Result<ports::LogChunk> TwinRuntime::logs(const std::string& id, const ports::LogQuery&) {
  const auto found = instances_.find(id);
  if (found == instances_.end()) return fail(ErrorKind::kNotFound, "there is no log of " + id);
  ports::LogChunk chunk;
  for (const auto& line : found->second.habits.lines) chunk.text += line + "\n";
  chunk.next_offset = chunk.text.size();
  return chunk;
}

void TwinRuntime::subscribe(std::function<void(const ports::InstanceEvent&)> on_event) {
  on_event_ = std::move(on_event);
}

void TwinRuntime::reboot() {
  auto gone = std::move(instances_);
  instances_.clear();
  for (auto& [id, instance] : gone) set_health(instance, false);
}

bool TwinRuntime::has_done(const std::string& job) const {
  const auto result = job_results_.find(job);
  return result != job_results_.end() && result->second == 0;
}

bool TwinRuntime::healthy(const std::string& id) const {
  const auto found = instances_.find(id);
  return found != instances_.end() && found->second.healthy;
}

const ports::Launch* TwinRuntime::launch_of(const std::string& id) const {
  const auto found = instances_.find(id);
  return found == instances_.end() ? nullptr : &found->second.launch;
}

}  // namespace ecluse::sim
