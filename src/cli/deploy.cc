#include <fmt/format.h>

#include <ostream>

#include "cli/follow.h"
#include "cli/target.h"
#include "cli/verbs_list.h"
#include "os/subprocess.h"

namespace ecluse::cli {

namespace {

struct Options : Common {
  std::string ref = "HEAD";
  std::string repository;
  std::string skip_checks;
  std::string without_backup;
  bool detach = false;
  bool wait = false;
};

/// The commit is what is deployed, so what is not in it is worth a word.
void warn_of_uncommitted(const Session& session, const std::filesystem::path& root) {
  const auto status =
      os::output_of({.argv = {"git", "-C", root.string(), "status", "--porcelain"}});
  if (!status || status->empty()) return;  // no git, no repository: the daemon will say so
  session.terminal.err
      << session.terminal.paint(Ink::kWarn, "note")
      << ": there are uncommitted changes; they are not part of what is deployed\n";
}

/// An absolute path or URL, and what to deploy from it.
Result<std::string> repository_of(const Session& session, const Options& options) {
  if (options.repository.find("://") != std::string::npos) return options.repository;
  if (!options.repository.empty()) {
    return std::filesystem::absolute(session.folder / options.repository)
        .lexically_normal()
        .string();
  }
  ECLUSE_ASSIGN(const auto project, read_project(session.folder));
  if (options.ref == "HEAD" && !options.json) warn_of_uncommitted(session, project.root);
  return project.root.string();
}

int deploy(const Session& session, const Options& options) {
  const auto repository = repository_of(session, options);
  if (!repository) return report(session, options, repository.error(), kUsage);
  auto daemon = daemon_of(session, options);
  auto environment = options.environment;
  if (const auto key = model::parse_environment_key(environment)) environment = key->environment;
  const auto ticket = daemon.operations->deploy(
      {*repository, options.ref, environment, "", options.skip_checks, options.without_backup});
  return follow_ticket(session, options, daemon, ticket, options.detach,
                       options.wait ? Until::kEnds : Until::kServes);
}

}  // namespace

Verb deploy_verb() {
  return {
      "deploy", "Releases", "Build a commit and bring it to an environment",
      [](Arguments& arguments) -> Action {
        auto options = std::make_shared<Options>();
        arguments.positional("REF", options->ref, "Branch, tag or commit; default: HEAD");
        declare_target(arguments, *options);
        arguments.value("--repository", "PATH", options->repository,
                        "Path or URL; default: the repository around");
        arguments.value("--skip-checks", "REASON", options->skip_checks,
                        "Do not run the checks; the reason is audited");
        arguments.value("--without-backup", "REASON", options->without_backup,
                        "No proven backup before its jobs; audited");
        arguments.flag("-d,--detach", options->detach, "Return at once");
        arguments.flag("--wait", options->wait, "Wait through gates and until the bake is over");
        return [options](const Session& session) { return deploy(session, *options); };
      },
      "Shows progress until the release serves. When it waits for a person, says for whom and "
      "ends with 3.\nOn failure it prints the last probes, the exit code, the ports really "
      "listened on, the last lines, the\nlikely reason and the next step. Ctrl-C detaches (130); "
      "the deploy goes on."};
}

}  // namespace ecluse::cli
