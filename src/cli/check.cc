#include <fmt/format.h>

#include <ctime>
#include <ostream>

#include "cli/target.h"
#include "cli/verbs_list.h"
#include "config/parse.h"
#include "config/tree.h"
#include "os/file.h"
#include "preflight/report.h"
#include "preflight/rules/rule.h"
#include "preflight/tree/walk.h"

namespace ecluse::cli {

namespace {

struct Options : Common {
  std::string path;
  std::string environment;
  std::string explain;
};

std::string today() {
  const std::time_t now = std::time(nullptr);
  std::tm date{};
  gmtime_r(&now, &date);
  return fmt::format("{:04}-{:02}-{:02}", date.tm_year + 1900, date.tm_mon + 1, date.tm_mday);
}

/// The ecluse.yml of the folder, if there is one; Invalid when it is not right.
Result<model::AppSpec> spec_of(const std::filesystem::path& root) {
  const auto file = root / "ecluse.yml";
  if (!std::filesystem::exists(file)) return model::AppSpec{};
  ECLUSE_ASSIGN(const std::string text, os::read_file(file, config::kFileBytesMax));
  auto parsed = config::parse(text, "ecluse.yml");
  if (parsed) return std::move(parsed->spec);
  return fail(ErrorKind::kInvalid,
              "ecluse.yml is not right:\n" + config::render(parsed.error(), text));
}

Result<const model::EnvironmentSpec*> environment_of(const model::AppSpec& spec,
                                                     const std::string& name) {
  if (spec.environments.empty()) return nullptr;
  if (name.empty()) return &spec.environments.back();
  if (const auto* found = spec.find_environment(name)) return found;
  return fail(ErrorKind::kNotFound, "ecluse.yml has no environment '" + name + "'");
}

int explain(const Session& session, const Options& options) {
  const auto page = preflight::explain_rule(options.explain);
  if (page.empty()) {
    return report(session, options,
                  {ErrorKind::kNotFound, "no rule has the id '" + options.explain + "'",
                   "the ids stand in docs/check.md"},
                  kUsage);
  }
  session.terminal.out << page;
  return kDone;
}

int check(const Session& session, const Options& options) {
  if (!options.explain.empty()) return explain(session, options);
  const auto root = session.folder / (options.path.empty() ? "." : options.path);
  const auto repository = preflight::read_repository(root);
  if (!repository) return report(session, options, repository.error(), kUsage);
  const auto spec = spec_of(root);
  if (!spec) return report(session, options, spec.error(), kUsage);
  const auto environment = environment_of(*spec, options.environment);
  if (!environment) return report(session, options, environment.error(), kUsage);
  const auto stack = preflight::conclude(*repository);
  const auto findings = preflight::audit(
      {.repository = *repository, .stack = stack, .environment = *environment, .today = today()});
  session.terminal.out << (options.json ? preflight::report_json(findings, *repository)
                                        : preflight::report_text(findings, *repository));
  return preflight::blocks(findings) ? kRefused : kDone;
}

}  // namespace

Verb check_verb() {
  return {"check", "ecluse.yml", "Audit a repository: what will go wrong in production, and where",
          [](Arguments& arguments) -> Action {
            auto options = std::make_shared<Options>();
            arguments.positional("PATH", options->path, "Folder of the repository; default: here");
            arguments.value("--env", "ENV", options->environment,
                            "Environment of ecluse.yml; default: the last one");
            arguments.value("--explain", "ID", options->explain, "What one rule is about");
            declare_json(arguments, *options);
            return [options](const Session& session) { return check(session, *options); };
          },
          "Ends with 3 when a finding blocks. It reads files only and runs nothing of the "
          "repository."};
}

}  // namespace ecluse::cli
