#include "repository_audit.h"

#include <cerrno>
#include <cstdlib>

#include "os/calendar_day.h"
#include "preflight/acceptance.h"
#include "preflight/rules/rule.h"
#include "preflight/tree/walk.h"

namespace ecluse {

namespace {

/// A folder for one audit; gone with it.
class Desk {
 public:
  explicit Desk(std::filesystem::path path) : path_(std::move(path)) {}
  Desk(Desk&& other) noexcept : path_(std::exchange(other.path_, {})) {}
  Desk(const Desk&) = delete;
  Desk& operator=(const Desk&) = delete;
  Desk& operator=(Desk&&) = delete;
  ~Desk() {
    std::error_code left;  // costs space until the next start, which clears the folder
    if (!path_.empty()) std::filesystem::remove_all(path_, left);
  }
  const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
};

Result<Desk> make_desk(const std::filesystem::path& folder) {
  std::error_code error;
  std::filesystem::create_directories(folder, error);
  auto name = (folder / "XXXXXX").string();
  if (error || mkdtemp(name.data()) == nullptr)
    return fail(from_errno(errno, "making a folder in " + folder.string()));
  return Desk(name);
}

Result<control::Audit> audit_commit(ports::Vcs& vcs, const std::filesystem::path& folder,
                                    const model::Commit& commit,
                                    const model::EnvironmentSpec& environment) {
  ECLUSE_ASSIGN(const auto desk, make_desk(folder));
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
