#include "runtime/process/process_runtime.h"

#include <fmt/format.h>
#include <poll.h>
#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>

#include "base/line_splitter.h"
#include "base/log.h"
#include "base/text.h"
#include "os/file.h"
#include "runtime/process/fresh_file.h"
#include "runtime/process/instances.h"
#include "runtime/process/listening.h"
#include "runtime/process/log_reader.h"
#include "runtime/process/loopback_door.h"
#include "runtime/process/premises.h"
#include "runtime/process/shell_exec.h"
#include "runtime/process/shim/process_id.h"
#include "runtime/process/shim_link.h"
#include "runtime/process/shim_watch.h"

namespace ecluse::runtime {

namespace fs = std::filesystem;
using ports::InstanceChange;
using ports::InstanceState;
using Clock = std::chrono::steady_clock;

namespace {
constexpr std::size_t kIdBytesMax =
    224;  ///< five names and their joints; below what a file name bears
constexpr auto kStopSlack = std::chrono::seconds(15);  // beyond the grace
constexpr auto kShellWithin = std::chrono::milliseconds(500);
constexpr auto kJobLook = std::chrono::milliseconds(25);
constexpr auto kAnswerWithin = std::chrono::milliseconds(5000);
constexpr int kStopAttempts = 3;
constexpr std::size_t kFinishedJobsKept = 64;
constexpr int kNotFound = 127;
constexpr int kNotExecutable = 126;

bool is_id(const std::string& id) {
  return !id.empty() && id.size() <= kIdBytesMax && std::all_of(id.begin(), id.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-';
  });
}

Result<void> check(const ports::Launch& launch) {
  if (!is_id(launch.id)) {
    return fail(ErrorKind::kInvalid, fmt::format("'{}' is no instance id", printable(launch.id)),
                fmt::format("use at most {} of a-z, 0-9 and -", kIdBytesMax));
  }
  if (launch.argv.empty()) return fail(ErrorKind::kInvalid, "there is no command to run");
  return {};
}

tl::unexpected<Error> unknown(const std::string& id) {
  return fail(ErrorKind::kNotFound, fmt::format("no instance {}", printable(id)));
}

std::optional<InstanceChange> change_of(const std::string& event) {
  if (event == "started") return InstanceChange::kStarted;
  if (event == "exited") return InstanceChange::kExited;
  if (event == "crash-looping") return InstanceChange::kCrashLooping;
  return std::nullopt;
}

ports::InstanceStatus status_of(const StoredLaunch& stored, const ShimReport& report) {
  const ports::Launch& launch = stored.launch;
  return {.id = launch.id,
          .app = launch.app,
          .environment = launch.environment,
          .owner = launch.owner,
          .state = report.state,
          .address = stored.address,
          .port = stored.port,
          .starts = report.starts,
          .last_exit = report.last_exit,
          .pid = report.pid};
}

/// Cuts a growing text into lines for a sink.
}  // namespace

class ProcessRuntime::Engine {
 public:
  explicit Engine(std::unique_ptr<Premises> premises)
      : premises_(std::move(premises)),
        watch_({.told = [this](const auto& id, const auto& report) { told(id, report); },
                .lost = [this](const auto& id) { return lost(id); }}) {}

  Result<void> recover();
  Result<ports::InstanceStatus> start(const ports::Launch& launch);
  Result<void> stop(const std::string& id);
  Result<int> run_job(const ports::Launch& launch, Duration timeout, const ports::LineSink& sink);
  Result<ports::InstanceStatus> status(const std::string& id);
  Result<std::vector<ports::InstanceStatus>> list();
  Result<ports::Usage> usage(const std::string& id);
  Result<std::vector<ports::Listener>> listeners(const std::string& id);
  Result<ports::LogChunk> logs(const std::string& id, const ports::LogQuery& query);
  void subscribe(std::function<void(const ports::InstanceEvent&)> on_event) {
    subscriber_.with([&](auto& subscriber) { subscriber = std::move(on_event); });
  }
  bool isolated() const { return premises_->isolated(); }

 private:
  Result<void> start_new(StoredLaunch stored);
  Result<void> await_exec(const StoredLaunch& stored);
  Result<void> listen(const StoredLaunch& stored);
  void discard(const StoredLaunch& stored);

  void recover_one(const StoredLaunch& stored);
  Result<void> rejoin(const StoredLaunch& stored);
  Result<void> respawn(const StoredLaunch& stored);

  Result<void> stop_shim(const StoredLaunch& stored);
  Result<bool> ask_to_stop(const StoredLaunch& stored);

  Result<StoredLaunch> find_or_start_job(const ports::Launch& launch, Duration timeout);
  Result<int> follow(const StoredLaunch& job, const ports::LineSink& sink);
  Result<int> conclude(const StoredLaunch& job);
  void prune_jobs();

  void told(const std::string& id, const ShimReport& report);
  bool lost(const std::string& id);
  void emit(const ports::InstanceEvent& event);

  fs::path stop_mark(const std::string& id) const { return premises_->folder(id) / "stopping"; }
  bool is_leaving(const std::string& id) const { return fs::exists(stop_mark(id)); }

  std::unique_ptr<Premises> premises_;
  Instances instances_;
  Locked<std::set<std::string>> followed_;  ///< jobs that somebody waits for
  Locked<std::function<void(const ports::InstanceEvent&)>> subscriber_;
  LoopbackDoors doors_;
  ShimWatch watch_;  // last: its thread uses all of the above
};

// --- start

Result<ports::InstanceStatus> ProcessRuntime::Engine::start(const ports::Launch& launch) {
  ECLUSE_TRY(check(launch));
  const Instances::Turn turn(instances_, launch.id);
  if (const auto known = instances_.find(launch.id)) {
    if (known->launch == launch && !known->is_job) return status(launch.id);
    return fail(
        ErrorKind::kConflict,
        fmt::format("{} runs already, with another command, artifact or configuration", launch.id),
        "stop it first");
  }
  ECLUSE_TRY(start_new({.launch = launch}));
  return status(launch.id);
}

Result<void> ProcessRuntime::Engine::start_new(StoredLaunch stored) {
  const std::string id = stored.launch.id;
  auto started = premises_->take(stored);
  if (started) started = premises_->start(stored, std::nullopt);
  if (started && !stored.is_job) started = await_exec(stored);
  if (!started) {
    discard(stored);
    return fail(in_context("starting " + id, started.error()));
  }
  instances_.put(stored);
  return rejoin(stored);
}

/// A shell in front hides whether the command exists, so we wait until it has become the command.
Result<void> ProcessRuntime::Engine::await_exec(const StoredLaunch& stored) {
  const auto program = program_behind_shell(stored.launch.argv);
  if (!program) return {};
  const auto give_up = Clock::now() + kShellWithin;
  while (Clock::now() < give_up) {
    const auto report = read_report(premises_->folder(stored.launch.id));
    if (!report) return fail(report.error());
    if (report->last_exit == kNotFound) {
      return fail(ErrorKind::kNotFound,
                  fmt::format("exec {}: not found in {}", *program, stored.launch.workdir),
                  "the command is looked up in PATH, which begins with /app/.venv/bin and "
                  "/app/node_modules/.bin");
    }
    if (report->last_exit == kNotExecutable) {
      return fail(ErrorKind::kRefused, fmt::format("exec {}: not executable", *program));
    }
    if (report->last_exit || has_left_shell(report->pid, stored.launch.argv)) return {};
    ::poll(nullptr, 0, 1);
  }
  return {};  // a command that the shell itself carries out
}

Result<void> ProcessRuntime::Engine::listen(const StoredLaunch& stored) {
  const std::string& id = stored.launch.id;
  auto link = ShimLink::connect(premises_->run_folder(id));
  if (!link) return fail(link.error());
  ECLUSE_TRY(link->send("events"));
  ECLUSE_ASSIGN(const std::optional<std::string> answer, link->receive(kAnswerWithin));
  if (!answer) return fail(ErrorKind::kTimeout, fmt::format("the shim of {} does not answer", id));
  ECLUSE_ASSIGN(const ShimReport report, parse_report(*answer));
  if (isolated()) doors_.watch(id, report.pid, stored.port);
  watch_.add(id, std::move(*link));
  // It may have exited before we listened; what comes from now on is told by the link.
  if (report.last_exit && !stored.is_job) emit({id, InstanceChange::kExited, *report.last_exit});
  return {};
}

/// After a failed start: nothing may be left. What fails here is told, the first error counts.
void ProcessRuntime::Engine::discard(const StoredLaunch& stored) {
  auto gone = stop_shim(stored);
  if (gone) gone = premises_->vacate(stored);
  if (gone) gone = premises_->forget(stored);
  if (!gone) log_error("cleaning up after {}: {}", stored.launch.id, gone.error().message);
}

// --- recovery

Result<void> ProcessRuntime::Engine::recover() {
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(premises_->instances(), error)) {
    auto stored = read_launch(entry.path());
    if (!stored && stored.error().kind == ErrorKind::kNotFound) {
      fs::remove_all(entry.path(), error);  // a start that got no further than its folder
      continue;
    }
    if (!stored) {
      log_error("{}: left alone: {}", entry.path().string(), stored.error().message);
      continue;
    }
    instances_.put(*stored);
    recover_one(*stored);
  }
  if (error) return fail(from_errno(error.value(), "list " + premises_->instances().string()));
  return premises_->forget_strangers(instances_.all());
}

void ProcessRuntime::Engine::recover_one(const StoredLaunch& stored) {
  const std::string& id = stored.launch.id;
  Result<void> done;
  if (is_leaving(id)) {
    done = stop(id);
  } else {
    const Instances::Turn turn(instances_, id);
    done = rejoin(stored);
  }
  if (done) return;
  log_error("taking over {}: {}", id, done.error().message);
  watch_.retry(id);
}

Result<void> ProcessRuntime::Engine::rejoin(const StoredLaunch& stored) {
  if (listen(stored)) return {};
  // Asked after the failed attempt: it may have ended just then, and must not be begun again.
  const auto report = read_report(premises_->folder(stored.launch.id));
  if (report && report->done) return {};
  return respawn(stored);
}

/// A new shim for an app that may have outlived the old one.
Result<void> ProcessRuntime::Engine::respawn(const StoredLaunch& stored) {
  const auto report = read_report(premises_->folder(stored.launch.id));
  const bool same_boot = report && report->boot == shim::boot_id();
  std::optional<OrphanedApp> orphan;
  // A job that a reboot cut short is not begun again: what it did half is for people to judge.
  if (report && (same_boot || stored.is_job)) {
    const bool alive = same_boot && shim::is_alive(report->pid, report->pid_start);
    orphan = OrphanedApp{alive ? report->pid : 0, report->pid_start, report->starts};
    log_warn("the shim of {} is gone; {}", stored.launch.id,
             alive ? "its app goes on and is adopted" : "and so is its app");
  }
  ECLUSE_TRY(premises_->start(stored, orphan));
  return listen(stored);
}

/// Its app may die while we look, so the first attempt may fail for a reason that is gone by now.
bool ProcessRuntime::Engine::lost(const std::string& id) {
  // This thread hears all shims: it must not wait until somebody has stopped this one.
  if (instances_.is_busy(id)) return false;
  const Instances::Turn turn(instances_, id);
  const auto stored = instances_.find(id);
  if (!stored || is_leaving(id)) return true;
  const auto again = rejoin(*stored);
  if (!again) log_error("replacing the shim of {}: {}", id, again.error().message);
  return again.has_value();
}

// --- stop

Result<void> ProcessRuntime::Engine::stop(const std::string& id) {
  const Instances::Turn turn(instances_, id);
  const auto stored = instances_.find(id);
  if (!stored) return {};
  ECLUSE_TRY(write_again(stop_mark(id), "", 0600));
  watch_.remove(id);
  doors_.forget(id);
  auto done = stop_shim(*stored);
  if (done) done = premises_->vacate(*stored);
  if (done) done = premises_->forget(*stored);
  if (!done) return fail(in_context("stopping " + id, done.error()));
  instances_.erase(id);
  emit({id, InstanceChange::kStopped, 0});
  return {};
}

Result<void> ProcessRuntime::Engine::stop_shim(const StoredLaunch& stored) {
  const fs::path folder = premises_->folder(stored.launch.id);
  for (int attempt = 0; attempt < kStopAttempts; ++attempt) {
    const auto report = read_report(folder);
    if (!report || report->done) return {};  // it never began, or it has ended
    const bool alive = shim::is_alive(report->shim_pid, report->shim_start);
    const bool app_alive = shim::is_alive(report->pid, report->pid_start);
    if (!alive && !app_alive) return {};  // what else is in its group, the group's removal ends
    const OrphanedApp orphan{report->pid, report->pid_start, report->starts};
    if (!alive && !premises_->start(stored, orphan)) continue;  // it may just have died: look again
    ECLUSE_ASSIGN(const bool ended, ask_to_stop(stored));
    if (ended) return {};
  }
  return {};
}

/// True when the shim has ended it; false when the shim went away meanwhile.
Result<bool> ProcessRuntime::Engine::ask_to_stop(const StoredLaunch& stored) {
  auto link = ShimLink::connect(premises_->run_folder(stored.launch.id));
  if (!link || !link->send("stop")) return false;
  const auto give_up = Clock::now() + stored.launch.stop_grace + kStopSlack;
  for (;;) {
    const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(give_up - Clock::now());
    if (left.count() <= 0) {
      return fail(ErrorKind::kTimeout, "its shim did not end it, not even by SIGKILL");
    }
    const auto line = link->receive(left);
    if (!line) break;
  }
  const auto report = read_report(premises_->folder(stored.launch.id));
  return report && report->done;
}

// --- jobs

Result<int> ProcessRuntime::Engine::run_job(const ports::Launch& launch, Duration timeout,
                                            const ports::LineSink& sink) {
  ECLUSE_TRY(check(launch));
  const bool first =
      followed_.with([&](auto& followed) { return followed.insert(launch.id).second; });
  if (!first) return fail(ErrorKind::kConflict, fmt::format("{} is running already", launch.id));
  auto job = find_or_start_job(launch, timeout);
  Result<int> code = job ? follow(*job, sink) : fail(job.error());
  followed_.with([&](auto& followed) { followed.erase(launch.id); });
  return code;
}

Result<StoredLaunch> ProcessRuntime::Engine::find_or_start_job(const ports::Launch& launch,
                                                               Duration timeout) {
  StoredLaunch job{.launch = launch, .is_job = true, .timeout = timeout};
  job.launch.restart = false;
  const Instances::Turn turn(instances_, launch.id);
  if (const auto known = instances_.find(launch.id)) {
    const auto report = read_report(premises_->folder(launch.id));
    const bool finished = report && report->done;
    if (known->is_job && known->launch == job.launch) return *known;
    if (!finished) {
      return fail(ErrorKind::kConflict,
                  fmt::format("{} runs already as something else", launch.id));
    }
    instances_.erase(launch.id);
    discard(*known);
  }
  prune_jobs();
  ECLUSE_TRY(start_new(job));
  return *instances_.find(launch.id);
}

Result<int> ProcessRuntime::Engine::follow(const StoredLaunch& job, const ports::LineSink& sink) {
  const std::string& id = job.launch.id;
  const fs::path logs = premises_->folder(id) / "logs";
  LineSplitter lines(LineSplitter::Ends::kNewline);
  std::uint64_t offset = 0;
  for (bool last = false;;) {
    // The order matters: what was written before it ended must be read after we know that it has.
    const auto report = read_report(premises_->folder(id));
    last = report && report->done;
    for (;;) {
      ECLUSE_ASSIGN(const ports::LogChunk chunk, read_log_from(logs, offset));
      lines.push(chunk.text, sink);
      if (chunk.next_offset == offset) break;
      offset = chunk.next_offset;
    }
    if (last) break;
    if (!instances_.find(id)) return fail(ErrorKind::kConflict, fmt::format("{} was stopped", id));
    ::poll(nullptr, 0, static_cast<int>(kJobLook.count()));
  }
  lines.finish(sink);
  return conclude(job);
}

Result<int> ProcessRuntime::Engine::conclude(const StoredLaunch& job) {
  const Instances::Turn turn(instances_, job.launch.id);
  ECLUSE_ASSIGN(const ShimReport report, read_report(premises_->folder(job.launch.id)));
  watch_.remove(job.launch.id);
  ECLUSE_TRY(premises_->vacate(job));
  if (report.timed_out) {
    return fail(ErrorKind::kTimeout, fmt::format("{} did not end within {} and was stopped",
                                                 job.launch.id, to_string(job.timeout)));
  }
  return report.last_exit.value_or(-1);
}

/// Results stay for whoever asks again after a crash of ours; old ones go.
void ProcessRuntime::Engine::prune_jobs() {
  std::vector<std::pair<fs::file_time_type, StoredLaunch>> finished;
  for (const StoredLaunch& stored : instances_.all()) {
    const fs::path folder = premises_->folder(stored.launch.id);
    const auto report = read_report(folder);
    std::error_code error;
    if (!stored.is_job || !report || !report->done) continue;
    finished.emplace_back(fs::last_write_time(folder / "status.json", error), stored);
  }
  std::sort(finished.begin(), finished.end(),
            [](const auto& a, const auto& b) { return a.first > b.first; });
  for (std::size_t i = kFinishedJobsKept; i < finished.size(); ++i) {
    const StoredLaunch& old = finished[i].second;
    const bool wanted = followed_.with([&](auto& f) { return f.contains(old.launch.id); });
    if (wanted) continue;
    instances_.erase(old.launch.id);
    discard(old);
  }
}

// --- questions

Result<ports::InstanceStatus> ProcessRuntime::Engine::status(const std::string& id) {
  const auto stored = instances_.find(id);
  if (!stored) return unknown(id);
  const auto report = read_report(premises_->folder(id));
  if (report) return status_of(*stored, *report);
  if (report.error().kind == ErrorKind::kNotFound) return status_of(*stored, ShimReport{});
  return fail(in_context(id, report.error()));
}

Result<std::vector<ports::InstanceStatus>> ProcessRuntime::Engine::list() {
  std::vector<ports::InstanceStatus> all;
  for (const StoredLaunch& stored : instances_.all()) {
    if (stored.is_job) continue;
    const auto one = status(stored.launch.id);
    if (!one && one.error().kind == ErrorKind::kNotFound) continue;  // stopped meanwhile
    if (!one) return fail(one.error());
    all.push_back(*one);
  }
  return all;
}

Result<ports::Usage> ProcessRuntime::Engine::usage(const std::string& id) {
  if (!instances_.find(id)) return unknown(id);
  auto usage = premises_->cgroups().usage(id);
  if (!usage) return fail(in_context(id, usage.error()));
  return usage;
}

Result<std::vector<ports::Listener>> ProcessRuntime::Engine::listeners(const std::string& id) {
  ECLUSE_ASSIGN(const ports::InstanceStatus now, status(id));
  if (now.pid == 0) return std::vector<ports::Listener>{};
  auto pids = premises_->cgroups().members(id);
  if (pids.empty()) {
    for (const auto& entry : fs::directory_iterator("/proc")) {
      const int pid = std::atoi(entry.path().filename().c_str());
      if (pid > 0 && shim::stat_of(pid).session == now.pid) pids.push_back(pid);
    }
  }
  return listening_of(pids);
}

Result<ports::LogChunk> ProcessRuntime::Engine::logs(const std::string& id,
                                                     const ports::LogQuery& query) {
  if (!is_id(id)) return unknown(id);
  if (instances_.find(id)) return read_log(premises_->folder(id) / "logs", query);
  if (fs::is_directory(premises_->old_logs(id))) return read_log(premises_->old_logs(id), query);
  return unknown(id);
}

// --- events

void ProcessRuntime::Engine::told(const std::string& id, const ShimReport& report) {
  const auto stored = instances_.find(id);
  if (!stored) return;
  const bool started = report.event == "started" || report.event == "adopted";
  if (started && isolated()) doors_.watch(id, report.pid, stored->port);
  if (const auto change = change_of(report.event); change && !stored->is_job) {
    emit({id, *change, *change == InstanceChange::kExited ? report.last_exit.value_or(-1) : 0});
  }
}

void ProcessRuntime::Engine::emit(const ports::InstanceEvent& event) {
  const auto subscriber = subscriber_.with([](const auto& s) { return s; });
  if (subscriber) subscriber(event);
}

// --- the port

Result<std::unique_ptr<ProcessRuntime>> ProcessRuntime::open(const fs::path& data_folder,
                                                             const fs::path& run_folder,
                                                             const ProcessOptions& options) {
  ECLUSE_ASSIGN(auto premises, Premises::open(data_folder, run_folder, options));
  if (!premises->isolated()) {
    log_warn(
        "instances run as plain processes, without network namespaces, users and limits of "
        "their own: see `ecluse doctor`");
  }
  auto engine = std::make_unique<Engine>(std::move(premises));
  ECLUSE_TRY(engine->recover());
  return std::unique_ptr<ProcessRuntime>(new ProcessRuntime(std::move(engine)));
}

ProcessRuntime::ProcessRuntime(std::unique_ptr<Engine> engine) : engine_(std::move(engine)) {}
ProcessRuntime::~ProcessRuntime() = default;

Result<ports::InstanceStatus> ProcessRuntime::start(const ports::Launch& launch) {
  return engine_->start(launch);
}
Result<void> ProcessRuntime::stop(const std::string& id) {
  return engine_->stop(id);
}
Result<int> ProcessRuntime::run_job(const ports::Launch& launch, Duration timeout,
                                    const ports::LineSink& sink) {
  return engine_->run_job(launch, timeout, sink);
}
Result<std::vector<ports::InstanceStatus>> ProcessRuntime::list() {
  return engine_->list();
}
Result<ports::InstanceStatus> ProcessRuntime::status(const std::string& id) {
  return engine_->status(id);
}
Result<ports::Usage> ProcessRuntime::usage(const std::string& id) {
  return engine_->usage(id);
}
Result<std::vector<ports::Listener>> ProcessRuntime::listeners(const std::string& id) {
  return engine_->listeners(id);
}
Result<ports::LogChunk> ProcessRuntime::logs(const std::string& id, const ports::LogQuery& query) {
  return engine_->logs(id, query);
}
void ProcessRuntime::subscribe(std::function<void(const ports::InstanceEvent&)> on_event) {
  engine_->subscribe(std::move(on_event));
}
bool ProcessRuntime::isolated() const {
  return engine_->isolated();
}

}  // namespace ecluse::runtime
