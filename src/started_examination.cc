#include "started_examination.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/text.h"
#include "examine/examiner.h"
#include "os/calendar_day.h"
#include "os/desk.h"
#include "preflight/acceptance.h"
#include "preflight/started/judgement.h"
#include "preflight/tree/walk.h"

namespace ecluse {

namespace {

std::string summary_of(const model::ReleaseKey& release, const preflight::Findings& findings,
                       const preflight::Observations& seen) {
  const auto count = std::ranges::count_if(
      findings, [](const preflight::Finding& each) { return each.accepted.empty(); });
  auto text = count == 0 ? "nothing found"
                         : fmt::format("{} found: ecluse releases show {} --to {}", count,
                                       release.number, to_string(release.environment));
  if (!seen.not_seen.empty()) text += "; not seen: " + join(seen.not_seen, "; ");
  return text;
}

/// What its instances may take at once, by their limits.
std::uint64_t memory_needed(const ports::ExaminationOrder& order) {
  const auto limit = [](const ports::Launch& launch) { return launch.limits.memory_bytes_max; };
  return limit(order.launch) + (order.without_database ? limit(*order.without_database) : 0);
}

Result<preflight::Observations> observed(ports::Runtime& runtime,
                                         const ports::ExaminationOrder& order,
                                         const examine::ExaminerOptions& options,
                                         std::uint64_t memory_free) {
  const auto needed = memory_needed(order);
  if (memory_free == 0 || needed <= memory_free) return examine::observe(runtime, order, options);
  preflight::Observations nothing;
  nothing.not_seen.push_back(
      fmt::format("the running app, because looking at it may take {} MiB and {} MiB are free",
                  needed >> 20, memory_free >> 20));
  return nothing;
}

Result<ports::Examination> examination_of(ports::Vcs& vcs, ports::Runtime& runtime,
                                          const std::filesystem::path& folder, bool isolated,
                                          const FreeMemory& free_memory,
                                          const ports::ExaminationOrder& order) {
  const auto& release = order.release;
  ECLUSE_ASSIGN(const auto files, os::Desk::make(folder));
  ECLUSE_ASSIGN(const auto desk, os::Desk::make(folder));
  ECLUSE_TRY(vcs.checkout(release.key.environment.app, release.commit.sha, files.path().string()));
  ECLUSE_ASSIGN(const auto repository, preflight::read_repository(files.path()));
  ECLUSE_ASSIGN(
      const auto seen,
      observed(runtime, order, {.desk = desk.path(), .isolated = isolated}, free_memory()));
  auto findings = preflight::findings_of({.seen = seen,
                                          .repository = repository,
                                          .environment = release.spec,
                                          .process = order.process,
                                          .given = order.given,
                                          .of_the_database = order.of_the_database});
  preflight::accept(findings, repository, release.spec.waivers, os::calendar_day());
  return ports::Examination{preflight::release_report(findings),
                            preflight::blocking_lines(findings),
                            summary_of(release.key, findings, seen)};
}

}  // namespace

std::function<Result<ports::Examination>(const ports::ExaminationOrder&)> started_examination(
    ports::Vcs& vcs, ports::Runtime& runtime, const std::filesystem::path& folder, bool isolated,
    FreeMemory free_memory) {
  std::error_code none;  // nothing was left there
  std::filesystem::remove_all(folder, none);
  return [&vcs, &runtime, folder, isolated,
          free_memory = std::move(free_memory)](const ports::ExaminationOrder& order) {
    return examination_of(vcs, runtime, folder, isolated, free_memory, order);
  };
}

}  // namespace ecluse
