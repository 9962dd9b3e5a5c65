#include "cli/target.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/text.h"
#include "config/parse.h"
#include "os/file.h"

namespace ecluse::cli {

namespace {

constexpr const char* kFileName = "ecluse.yml";
constexpr std::size_t kFileBytesMax = 1 << 20;

Error no_project() {
  return {ErrorKind::kNotFound, "there is no ecluse.yml here or above",
          "go into the app's repository, or say --app APP"};
}

Result<std::vector<std::string>> known_environments(const std::string& app,
                                                    const std::optional<Project>& project,
                                                    control::Operations& operations) {
  if (project && project->app == app) return project->environments;
  ECLUSE_ASSIGN(const auto views, operations.status(app));
  std::vector<std::string> names;
  for (const auto& view : views) names.push_back(view.key.environment);
  return names;
}

Result<model::EnvironmentKey> only_one(const std::string& app,
                                       const std::vector<std::string>& names) {
  if (names.size() == 1) return model::EnvironmentKey{app, names.front()};
  if (names.empty()) {
    return fail(ErrorKind::kNotFound, fmt::format("{} has no environments here", app),
                "`ecluse status` shows what there is");
  }
  return fail(ErrorKind::kInvalid, fmt::format("{} has several environments", app),
              fmt::format("say --to one of: {}", join(names, ", ")));
}

/// Splits "lettings/prod" when it has that form.
void take(const std::string& text, std::string& app, std::string& environment) {
  if (const auto key = model::parse_environment_key(text)) {
    app = key->app;
    environment = key->environment;
  }
}

}  // namespace

Result<std::filesystem::path> project_root(const std::filesystem::path& folder) {
  for (auto at = std::filesystem::absolute(folder);; at = at.parent_path()) {
    std::error_code code;
    if (std::filesystem::is_regular_file(at / kFileName, code)) return at;
    if (at == at.parent_path()) return fail(no_project());
  }
}

Result<Project> read_project(const std::filesystem::path& folder) {
  ECLUSE_ASSIGN(const auto root, project_root(folder));
  ECLUSE_ASSIGN(const auto text, os::read_file(root / kFileName, kFileBytesMax));
  const auto parsed = config::parse(text, kFileName);
  if (!parsed) {
    return fail(
        ErrorKind::kInvalid,
        fmt::format("{} is not right:\n{}", kFileName, config::render(parsed.error(), text)),
        "correct it, then `ecluse explain` shows what it means");
  }
  Project project{root, parsed->spec.app, {}};
  for (const auto& environment : parsed->spec.environments) {
    project.environments.push_back(environment.name);
  }
  return project;
}

Result<std::string> resolve_app(const Session& session, const Common& common) {
  if (!common.app.empty()) return common.app.substr(0, common.app.find('/'));
  if (!project_root(session.folder)) return std::string();
  ECLUSE_ASSIGN(const auto project, read_project(session.folder));
  return project.app;
}

Result<model::EnvironmentKey> resolve_environment(const Session& session, const Common& common,
                                                  control::Operations& operations,
                                                  const std::string& positional) {
  std::string app = common.app;
  std::string environment = common.environment;
  take(common.app, app, environment);
  take(common.environment, app, environment);
  take(positional, app, environment);
  if (!positional.empty() && environment.empty()) environment = positional;
  if (!app.empty() && !environment.empty()) return model::EnvironmentKey{app, environment};

  std::optional<Project> project;
  if (app.empty()) {
    ECLUSE_ASSIGN(project, read_project(session.folder));
    app = project->app;
  }
  if (!environment.empty()) return model::EnvironmentKey{app, environment};
  ECLUSE_ASSIGN(const auto names, known_environments(app, project, operations));
  return only_one(app, names);
}

}  // namespace ecluse::cli
