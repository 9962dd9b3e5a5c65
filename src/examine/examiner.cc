#include "examine/examiner.h"

#include <fmt/format.h>
#include <poll.h>
#include <sys/stat.h>

#include <algorithm>
#include <array>
#include <future>

#include "base/text.h"
#include "examine/assets.h"
#include "examine/page.h"
#include "examine/process_tree.h"
#include "examine/tracer.h"

namespace ecluse::examine {

namespace {
using preflight::Observations;
using preflight::SeenPage;
using Clock = std::chrono::steady_clock;
using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr seconds kReadyMax{60};
constexpr seconds kStopGiven{10};
constexpr seconds kAskMax{30};
constexpr milliseconds kAgain{100};
/// A secret that is shorter stands in many places by chance.
constexpr std::size_t kSecretBytesMin = 8;
constexpr std::size_t kLinesRead = 2000;
constexpr const char* kInside = "/ecluse-examination";
constexpr const char* kNobodysHost = "examination.invalid";
constexpr const char* kNoSuchPage = "/ecluse-examination-no-such-page";

/// Runs while it lives.
class Guest {
 public:
  static Result<Guest> start(ports::Runtime& runtime, const ports::Launch& launch) {
    ECLUSE_TRY(runtime.stop(launch.id));  // of an examination that a crash cut short
    ECLUSE_ASSIGN(auto status, runtime.start(launch));
    const auto port = status.port != 0 ? status.port : launch.port.value_or(0);
    return Guest(runtime, std::move(status), port);
  }
  Guest(Guest&& other) noexcept
      : runtime_(std::exchange(other.runtime_, nullptr)),
        status_(std::move(other.status_)),
        port_(other.port_) {}
  Guest(const Guest&) = delete;
  Guest& operator=(const Guest&) = delete;
  Guest& operator=(Guest&&) = delete;
  ~Guest() {
    if (runtime_ != nullptr) (void)runtime_->stop(status_.id);  // the next start tries again
  }

  Result<void> stop() { return std::exchange(runtime_, nullptr)->stop(status_.id); }
  const std::string& id() const { return status_.id; }
  int pid() const { return status_.pid; }
  bool runs() const {
    const auto now = runtime_->status(status_.id);
    return now && !now->last_exit && now->state != ports::InstanceState::kStopped;
  }
  Page page(const std::string& host, const std::string& path) const {
    return get({.address = status_.address, .port = port_, .host = host, .path = path});
  }

 private:
  Guest(ports::Runtime& runtime, ports::InstanceStatus status, std::uint16_t port)
      : runtime_(&runtime), status_(std::move(status)), port_(port) {}
  ports::Runtime* runtime_;
  ports::InstanceStatus status_;
  std::uint16_t port_;
};

std::string first_host(const model::EnvironmentSpec& spec) {
  return spec.hosts.empty() ? "localhost" : spec.hosts.front().host;
}

std::string health_path(const ports::ExaminationOrder& order) {
  return order.process.ready ? order.process.ready->path : "/";
}

bool serves(int status) {
  return status >= 200 && status < 400;
}

/// The last answer: once it is ready (where nothing says what ready is: once it answers), or when
/// it has ended, or the time is over.
Page await_page(const Guest& guest, const ports::ExaminationOrder& order, const std::string& host,
                const std::string& path) {
  const auto deadline = Clock::now() + kReadyMax;
  for (;;) {
    auto page = guest.page(host, path);
    const bool ready = order.process.ready ? serves(page.status) : page.status != 0;
    if (ready || Clock::now() > deadline || !guest.runs()) return page;
    ::poll(nullptr, 0, static_cast<int>(kAgain.count()));
  }
}

/// The gateway serves it from the release's folder, not the app.
bool is_of_the_gateway(const ports::ExaminationOrder& order, const std::string& path) {
  return std::ranges::any_of(order.process.static_paths, [&](const auto& entry) {
    const auto& prefix = entry.first;
    return path.starts_with(prefix.ends_with('/') ? prefix : prefix + "/");
  });
}

void look_at_pages(const Guest& guest, const ports::ExaminationOrder& order, Observations& seen) {
  const auto& spec = order.release.spec;
  const auto host = first_host(spec);
  std::string path = "/";
  auto first = guest.page(host, path);
  if (!serves(first.status)) {
    path = health_path(order);
    first = guest.page(host, path);
  }
  for (const auto& each : spec.hosts)
    if (!each.redirect && !each.host.starts_with('*'))
      seen.own_hosts.push_back({path, each.host, guest.page(each.host, path).status});
  seen.foreign_host = SeenPage{path, kNobodysHost, guest.page(kNobodysHost, path).status};
  for (const auto& asset : assets_in(first.body))
    if (!is_of_the_gateway(order, asset))
      seen.assets.push_back({asset, host, guest.page(host, asset).status});
  const auto missing = guest.page(host, kNoSuchPage);
  if (missing.body.find("DEBUG = True</code>") != std::string::npos)
    seen.debugger = "Django's debug page answers a path that does not exist";
  const auto style = guest.page(host, "/?__debugger__=yes&cmd=resource&f=style.css");
  if (style.status == 200 && style.body.find("debugger") != std::string::npos &&
      style.body.find("traceback") != std::string::npos)
    seen.debugger = "Werkzeug's debugger answers at /?__debugger__=yes";
}

bool holds(const std::string& text, const std::string& secret) {
  return secret.size() >= kSecretBytesMin && text.find(secret) != std::string::npos;
}

void look_at_processes(const Guest& guest, const ports::ExaminationOrder& order,
                       Observations& seen) {
  seen.user = user_of(guest.pid());
  std::string arguments;
  for (const auto pid : tree_of(guest.pid())) arguments += arguments_of(pid) + "\n";
  for (const auto& [name, secret] : order.secrets)
    if (holds(arguments, secret)) seen.in_arguments.push_back(name);
}

void look_at_output(ports::Runtime& runtime, const Guest& guest,
                    const ports::ExaminationOrder& order, Observations& seen) {
  const auto log = runtime.logs(guest.id(), {.lines_max = kLinesRead});
  if (!log) {
    seen.not_seen.push_back("its output: " + log.error().message);
    return;
  }
  for (const auto& [name, secret] : order.secrets)
    if (holds(log->text, secret)) seen.in_output.push_back(name);
}

void look_at_its_end(Guest& guest, Observations& seen) {
  const auto begin = Clock::now();
  if (const auto stopped = guest.stop(); !stopped) {
    seen.not_seen.push_back("how it stops: " + stopped.error().message);
    return;
  }
  seen.stop_took = std::chrono::duration_cast<milliseconds>(Clock::now() - begin);
  seen.stop_given = kStopGiven;
}

/// Beside the other instance, in a thread of its own: it waits for another thing.
std::optional<SeenPage> without_database(ports::Runtime& runtime,
                                         const ports::ExaminationOrder& order) {
  auto launch = *order.without_database;
  launch.stop_grace = seconds(2);
  const auto guest = Guest::start(runtime, launch);
  if (!guest) return std::nullopt;
  const auto host = first_host(order.release.spec);
  const auto path = health_path(order);
  // One that is ill answers with 500 or 503, or not at all: the first answer counts once it
  // listens, and a success that comes later does, too.
  const auto deadline = Clock::now() + kReadyMax / 3;
  SeenPage seen{path, host, 0};
  while (seen.status == 0 && Clock::now() < deadline && guest->runs()) {
    seen.status = guest->page(host, path).status;
    if (seen.status == 0) ::poll(nullptr, 0, static_cast<int>(kAgain.count()));
  }
  return seen;
}

bool is_python(const ports::Launch& launch) {
  struct stat unused{};
  return ::lstat((launch.artifact_path + "/.venv/bin/python").c_str(), &unused) == 0;
}

void ask_for_databases(ports::Runtime& runtime, const ports::ExaminationOrder& order,
                       const ports::Launch& traced, const std::string& inside, Observations& seen) {
  if (!is_python(traced)) return;
  auto job = traced;
  job.id += "-asked";
  job.port.reset();
  job.env["ECLUSE_EXAMINED_COMMAND"] = order.process.command;
  job.argv = {"/bin/sh", "-c", asking_command(inside)};
  std::string last;
  const auto code = runtime.run_job(job, kAskMax, [&](std::string_view line) {
    take_answer(line, seen);
    last = line;
  });
  if (!seen.asked_by.empty()) return;
  if (!code || *code != 0)
    seen.not_seen.push_back("its databases: " + (code ? printable(last) : code.error().message));
}
}  // namespace

Result<Observations> observe(ports::Runtime& runtime, const ports::ExaminationOrder& order,
                             const ExaminerOptions& options) {
  Observations seen;
  ECLUSE_TRY(write_scripts(options.desk));
  const std::string inside = options.isolated ? kInside : options.desk.string();
  auto launch = order.launch;
  launch.stop_grace = kStopGiven;
  add_tracing(launch.env, inside);
  if (options.isolated) launch.mounts.push_back({options.desk.string(), kInside, true});

  std::future<std::optional<SeenPage>> ill;
  if (order.without_database && order.process.ready)
    ill = std::async(std::launch::async, without_database, std::ref(runtime), std::cref(order));
  ECLUSE_ASSIGN(auto guest, Guest::start(runtime, launch));
  const auto host = first_host(order.release.spec);
  const auto path = health_path(order);
  const auto health = await_page(guest, order, host, path);
  if (order.process.ready) seen.health = SeenPage{path, host, health.status};
  if (health.status == 0)
    return fail(ErrorKind::kUnavailable, "a second instance of it did not answer");
  look_at_pages(guest, order, seen);
  look_at_processes(guest, order, seen);
  ask_for_databases(runtime, order, launch, inside, seen);
  take_answers_given(options.desk, seen);
  look_at_output(runtime, guest, order, seen);
  const auto read = variables_read(options.desk);
  seen.traced = !read.empty();
  seen.read = read;
  look_at_its_end(guest, seen);
  if (ill.valid()) seen.health_without_database = ill.get();
  return seen;
}

Result<void> stop_left_behind(ports::Runtime& runtime) {
  ECLUSE_ASSIGN(const auto all, runtime.list());
  for (const auto& status : all)
    if (status.owner.starts_with("examination of release ")) ECLUSE_TRY(runtime.stop(status.id));
  return {};
}

}  // namespace ecluse::examine
