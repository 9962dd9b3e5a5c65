#include "repository_audit.h"

#include "os/calendar_day.h"
#include "os/desk.h"
#include "preflight/acceptance.h"
#include "preflight/rules/rule.h"
#include "preflight/tree/walk.h"

namespace ecluse {

namespace {

Result<control::Audit> audit_commit(ports::Vcs& vcs, const std::filesystem::path& folder,
                                    const model::Commit& commit,
                                    const model::EnvironmentSpec& environment) {
  ECLUSE_ASSIGN(const auto desk, os::Desk::make(folder));
  ECLUSE_TRY(vcs.checkout(environment.app, commit.sha, desk.path().string()));
  ECLUSE_ASSIGN(const auto repository, preflight::read_repository(desk.path()));
  const auto stack = preflight::conclude(repository);
  const auto today = os::calendar_day();
  auto findings = preflight::audit(
      {.repository = repository, .stack = stack, .environment = &environment, .today = today});
  preflight::accept(findings, repository, environment.waivers, today);
  return control::Audit{preflight::release_report(findings), preflight::blocking_lines(findings)};
}

}  // namespace

std::function<Result<control::Audit>(const model::Commit&, const model::EnvironmentSpec&)>
repository_audit(ports::Vcs& vcs, const std::filesystem::path& folder) {
  std::error_code none;  // nothing was left there
  std::filesystem::remove_all(folder, none);
  return [&vcs, folder](const model::Commit& commit, const model::EnvironmentSpec& environment) {
    return audit_commit(vcs, folder, commit, environment);
  };
}

}  // namespace ecluse
