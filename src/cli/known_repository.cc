#include "cli/known_repository.h"

#include <sys/stat.h>
#include <unistd.h>

#include <memory>
#include <ostream>
#include <system_error>

#include "os/build_id.h"
#include "preflight/tree/fact_store.h"
#include "preflight/tree/walk.h"

namespace ecluse::cli {

namespace fs = std::filesystem;

namespace {

/// Empty where neither variable says it.
fs::path cache_folder(const Session& session) {
  for (const auto& [variable, below] :
       {std::pair{"XDG_CACHE_HOME", "ecluse/check"}, std::pair{"HOME", ".cache/ecluse/check"}}) {
    const auto found = session.environment.find(variable);
    if (found != session.environment.end() && fs::path(found->second).is_absolute())
      return fs::path(found->second) / below;
  }
  return {};
}

/// Ours alone to write to, or to be made in such a folder: `sudo` leaves HOME to the person who
/// called it, and what anybody may write anybody may have written.
bool is_own(fs::path folder) {
  struct stat status{};
  while (::stat(folder.c_str(), &status) != 0) {
    if (!folder.has_relative_path()) return false;
    folder = folder.parent_path();
  }
  return status.st_uid == ::geteuid() && !(status.st_mode & S_IWOTH);
}

std::unique_ptr<preflight::FactStore> store_of(const Session& session, const fs::path& root) {
  const auto folder = cache_folder(session);
  auto program = os::build_id();
  std::error_code error;
  const auto repository = fs::canonical(root, error);
  if (folder.empty() || program.empty() || error || !is_own(folder)) return nullptr;
  return std::make_unique<preflight::FactStore>(folder, repository, std::move(program));
}

}  // namespace

Result<preflight::Repository> read_known(const Session& session, const fs::path& root,
                                         bool afresh) {
  const auto store = afresh ? nullptr : store_of(session, root);
  auto repository = preflight::read_repository(root, store.get());
  const auto saved = store && repository ? store->save() : Result<void>{};
  if (!saved)
    session.terminal.err << "what was read could not be kept, and will be read again: "
                         << saved.error().message << "\n";
  return repository;
}

}  // namespace ecluse::cli
