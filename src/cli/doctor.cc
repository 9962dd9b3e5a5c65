#include <fmt/format.h>
#include <sys/statvfs.h>
#include <sys/timex.h>
#include <unistd.h>

#include <algorithm>
#include <ctime>
#include <ostream>

#include "api/json.h"
#include "api/wire.h"
#include "base/text.h"
#include "cli/rollout_text.h"
#include "cli/verbs_list.h"

namespace ecluse::cli {

namespace {

constexpr std::uint64_t kDiskBytesMin = 2'000'000'000;
constexpr std::time_t kBuiltAfter = 1'735'689'600;  // 2025: no clock of ours may be before it

struct Options : Common {
  std::string data;
};

struct Tool {
  const char* name;
  bool essential;
  const char* consequence;
  const char* package;
};
constexpr Tool kTools[] = {
    {"git", true, "no repository can be deployed", "git"},
    {"python3", false, "Python apps cannot be built", "python3 python3-venv"},
    {"node", false, "Node apps cannot be built", "nodejs npm"},
    {"go", false, "Go apps cannot be built", "golang-go"},
    {"redis-server", false, "the service `redis` cannot be started", "redis-server"},
    {"postgres", false, "the service `postgres` cannot be started", "postgresql"},
};

std::vector<std::filesystem::path> folders_of_programs(const Session& session) {
  std::vector<std::filesystem::path> folders;
  const auto path = session.environment.find("PATH");
  if (path != session.environment.end()) {
    for (const auto& folder : split(path->second, ':')) folders.emplace_back(folder);
  }
  for (const char* folder : {"/usr/sbin", "/sbin", "/usr/local/bin"}) folders.emplace_back(folder);
  // Debian keeps each major version of PostgreSQL in a folder of its own, outside PATH.
  std::error_code code;
  for (const auto& version : std::filesystem::directory_iterator("/usr/lib/postgresql", code)) {
    folders.push_back(version.path() / "bin");
  }
  return folders;
}

Finding examine(const Tool& tool, const std::vector<std::filesystem::path>& folders) {
  Finding finding{.what = tool.name,
                  .essential = tool.essential,
                  .consequence = tool.consequence,
                  .remedy = fmt::format("apt install {}", tool.package)};
  for (const auto& folder : folders) {
    if (access((folder / tool.name).c_str(), X_OK) != 0) continue;
    finding.ok = true;
    finding.detail = (folder / tool.name).string();
    return finding;
  }
  finding.detail = "not found";
  return finding;
}

Finding examine_disk(const std::filesystem::path& data) {
  auto at = data;
  while (at.has_relative_path() && access(at.c_str(), F_OK) != 0) at = at.parent_path();
  Finding finding{.what = "disk",
                  .essential = true,
                  .consequence = "builds and the state of ecluse need room",
                  .remedy = "`ecluse gc` frees what no rollback needs; or choose another --data"};
  struct statvfs room{};
  if (statvfs(at.c_str(), &room) != 0) {
    finding.detail = from_errno(errno, at.string()).message;
    return finding;
  }
  const auto bytes = static_cast<std::uint64_t>(room.f_bavail) * room.f_frsize;
  finding.ok = bytes >= kDiskBytesMin;
  finding.detail = fmt::format("{} free in {}", short_bytes(bytes), at.string());
  return finding;
}

Finding examine_clock() {
  timex state{};
  const bool synchronised = adjtimex(&state) != TIME_ERROR && (state.status & STA_UNSYNC) == 0;
  const bool sane = std::time(nullptr) > kBuiltAfter;
  return {.what = "clock",
          .ok = sane && synchronised,
          .detail = !sane          ? "it shows a time before ecluse was made"
                    : synchronised ? "synchronised"
                                   : "not synchronised",
          .consequence = "times in logs may be wrong; decisions do not depend on it",
          .remedy = "apt install systemd-timesyncd, or chrony"};
}

std::vector<Finding> examine_all(const Session& session, const Options& options) {
  const auto places = places_of(session, options.data, options.run);
  auto findings = session.roles.privileges(places);
  const auto folders = folders_of_programs(session);
  for (const auto& tool : kTools) findings.push_back(examine(tool, folders));
  findings.push_back(examine_disk(places.data));
  findings.push_back(examine_clock());
  return findings;
}

Finding examine_daemon(const Session& session, const Options& options) {
  auto daemon = daemon_of(session, options);
  const auto pong = daemon.ping();
  return {.what = "control plane",
          .ok = pong.has_value(),
          .detail = pong ? fmt::format("answers, process {}", pong->pid) : pong.error().message,
          .consequence = "nothing is decided; traffic goes on as it was",
          .remedy = "ecluse up --detach"};
}

void print_finding(const Terminal& terminal, const Finding& finding) {
  const auto sign = finding.ok          ? terminal.paint(Ink::kGood, "ok  ")
                    : finding.essential ? terminal.paint(Ink::kBad, "FAIL")
                                        : terminal.paint(Ink::kWarn, "warn");
  terminal.out << fmt::format("{}  {:<22} {}\n", sign, finding.what, finding.detail);
  if (finding.ok) return;
  terminal.out << fmt::format("      {:<22} so: {}\n      {:<22} do: {}\n", "", finding.consequence,
                              "", finding.remedy);
}

int doctor(const Session& session, const Options& options) {
  auto findings = examine_all(session, options);
  findings.push_back(examine_daemon(session, options));
  const bool failed = std::any_of(findings.begin(), findings.end(),
                                  [](const Finding& f) { return f.essential && !f.ok; });
  if (options.json) {
    std::vector<api::Examined> all;
    for (const auto& f : findings) {
      all.push_back({f.what, f.ok, f.essential, f.detail, f.consequence, f.remedy});
    }
    session.terminal.out << api::json_text(all) << "\n";
  } else {
    for (const auto& finding : findings) print_finding(session.terminal, finding);
  }
  return failed ? kFailed : kDone;
}

}  // namespace

Verb doctor_verb() {
  return {"doctor", "The machine",
          "Examine the machine: what is missing, what follows, how to mend it",
          [](Arguments& arguments) -> Action {
            auto options = std::make_shared<Options>();
            declare_daemon(arguments, *options);
            arguments.value("--data", "FOLDER", options->data, "What lasts ($ECLUSE_DATA)");
            return [options](const Session& session) { return doctor(session, *options); };
          },
          "Ends with 1 when something essential is missing."};
}

}  // namespace ecluse::cli
