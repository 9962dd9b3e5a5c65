#include <fmt/format.h>

#include <nlohmann/json.hpp>
#include <ostream>
#include <set>

#include "cli/known_repository.h"
#include "cli/target.h"
#include "cli/verbs_list.h"
#include "config/parse.h"
#include "config/tree.h"
#include "os/calendar_day.h"
#include "os/file.h"
#include "os/inside.h"
#include "preflight/acceptance.h"
#include "preflight/page.h"
#include "preflight/remedy/remedy.h"
#include "preflight/report.h"
#include "preflight/rules/rule.h"
#include "preflight/sarif.h"

namespace ecluse::cli {

namespace {

struct Options : Common {
  std::string path;
  std::string environment;
  std::string explain;
  std::string format = "text";
  bool write_baseline = false;
  bool fix = false;
  bool dry_run = false;
  bool no_cache = false;
};

/// The ecluse.yml of the folder, if there is one; Invalid when it is not right.
Result<model::AppSpec> spec_of(const std::filesystem::path& root) {
  const auto file = root / "ecluse.yml";
  if (!os::is_there(file)) return model::AppSpec{};
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

using Format = std::string (*)(const preflight::Findings&, const preflight::Repository&,
                               const std::string& title);

Result<Format> format_of(const Options& options) {
  const auto name = options.json ? "json" : options.format;
  if (name == "text")
    return [](const auto& found, const auto& in, const auto&) { return report_text(found, in); };
  if (name == "json")
    return [](const auto& found, const auto& in, const auto&) { return report_json(found, in); };
  if (name == "sarif")
    return [](const auto& found, const auto& in, const auto&) {
      return report_sarif(found, in, ECLUSE_VERSION);
    };
  if (name == "html")
    return [](const auto& found, const auto& in, const auto& title) {
      return report_page(found, in, title);
    };
  return fail(ErrorKind::kInvalid, "there is no format '" + name + "'",
              "text, json, sarif or html");
}

std::string title_of(const std::filesystem::path& root, const std::string& today) {
  return fmt::format("ecluse check: {}, {}",
                     std::filesystem::weakly_canonical(root).filename().string(), today);
}

int write_baseline(const Session& session, const Options& options,
                   const std::filesystem::path& root, const preflight::Findings& findings) {
  const auto file = root / preflight::kBaselineFile;
  const auto written = os::replace_file(file, preflight::baseline_of(findings), 0644);
  if (!written) return report(session, options, written.error());
  return say_done(session, options,
                  file.string() + " holds what was found and does not block; commit it");
}

Result<void> write(const std::filesystem::path& root, const preflight::FileChange& change) {
  if (!change.moved_to.empty()) return os::rename_inside(root, change.path, change.moved_to);
  return os::replace_inside(root, change.path, change.before, change.after);
}

std::vector<preflight::FileChange> changes_for(const std::filesystem::path& root,
                                               const preflight::Repository& repository,
                                               const preflight::Findings& findings) {
  const auto read = [&](std::string_view path) -> std::optional<std::string> {
    auto bytes = os::read_inside(root, std::string(path), preflight::kFileBytesRead);
    return bytes ? std::optional(std::move(*bytes)) : std::nullopt;
  };
  return preflight::remedies(findings, repository, read);
}

std::set<std::string> rules_of(const std::vector<preflight::FileChange>& changes) {
  std::set<std::string> rules;
  for (const auto& change : changes) rules.insert(change.rules.begin(), change.rules.end());
  return rules;
}

void print_changes(const Session& session, const Options& options,
                   const std::vector<preflight::FileChange>& changes) {
  if (options.json) {
    auto root = nlohmann::json{{"written", !options.dry_run}, {"files", nlohmann::json::array()}};
    for (const auto& change : changes)
      root["files"].push_back({{"path", change.path},
                               {"rules", change.rules},
                               {"diff", preflight::unified_diff(change)}});
    session.terminal.out << root.dump(2, ' ', false, nlohmann::json::error_handler_t::replace)
                         << "\n";
    return;
  }
  for (const auto& change : changes) session.terminal.out << preflight::unified_diff(change);
  if (changes.empty()) {
    session.terminal.out << "nothing here can be mended by a machine\n";
  } else {
    session.terminal.out << fmt::format(
        "{} file{} {} for {}\n", changes.size(), changes.size() == 1 ? "" : "s",
        options.dry_run ? "would change" : "changed", fmt::join(rules_of(changes), ", "));
  }
}

/// Writes nothing unless every change is known; each file is replaced whole.
int fix(const Session& session, const Options& options, const std::filesystem::path& root,
        const preflight::Repository& repository, const preflight::Findings& findings) {
  const auto changes = changes_for(root, repository, findings);
  for (const auto& change : changes) {
    if (options.dry_run) break;
    if (const auto written = write(root, change); !written)
      return report(session, options, written.error());
  }
  print_changes(session, options, changes);
  return kDone;
}

void say_what_a_machine_mends(const Session& session,
                              const std::vector<preflight::FileChange>& changes) {
  if (changes.empty()) return;
  session.terminal.out << fmt::format("next: `ecluse check --fix` mends {}; --dry-run shows how\n",
                                      fmt::join(rules_of(changes), ", "));
}

int check(const Session& session, const Options& options) {
  if (!options.explain.empty()) return explain(session, options);
  if (options.dry_run && !options.fix)
    return report(session, options, {ErrorKind::kInvalid, "--dry-run goes with --fix", ""}, kUsage);
  const auto format = format_of(options);
  if (!format) return report(session, options, format.error(), kUsage);
  const auto root = session.folder / (options.path.empty() ? "." : options.path);
  const auto repository = read_known(session, root, options.no_cache);
  if (!repository) return report(session, options, repository.error(), kUsage);
  const auto spec = spec_of(root);
  if (!spec) return report(session, options, spec.error(), kUsage);
  const auto environment = environment_of(*spec, options.environment);
  if (!environment) return report(session, options, environment.error(), kUsage);
  const auto stack = preflight::conclude(*repository);
  const auto today = os::calendar_day();
  auto findings = preflight::audit(
      {.repository = *repository, .stack = stack, .environment = *environment, .today = today});
  const auto waivers = *environment ? (*environment)->waivers : std::vector<model::WaiverSpec>{};
  preflight::accept(findings, *repository, waivers, today);
  if (options.fix) return fix(session, options, root, *repository, findings);
  if (options.write_baseline) return write_baseline(session, options, root, findings);
  session.terminal.out << (*format)(findings, *repository, title_of(root, today));
  if (!options.json && options.format == "text")
    say_what_a_machine_mends(session, changes_for(root, *repository, findings));
  return preflight::blocks(findings) ? kRefused : kDone;
}

}  // namespace

Verb check_verb() {
  return {
      "check", "ecluse.yml", "Audit a repository: what will go wrong in production, and where",
      [](Arguments& arguments) -> Action {
        auto options = std::make_shared<Options>();
        arguments.positional("PATH", options->path, "Folder of the repository; default: here");
        arguments.value("-e,--environment,--to,--env", "ENV", options->environment,
                        "Environment of ecluse.yml; default: the last one");
        arguments.value("--explain", "ID", options->explain, "What one rule is about");
        arguments.value("--format", "FORMAT", options->format,
                        "text, json, sarif, or html: one page", {"text", "json", "sarif", "html"});
        arguments.flag("--fix", options->fix, "Mend what a machine can mend, and show it");
        arguments.flag("--dry-run", options->dry_run, "With --fix: show it, write nothing");
        arguments.flag("--no-cache", options->no_cache,
                       "Read also what has not changed since the last check");
        arguments.flag("--write-baseline", options->write_baseline,
                       "Accept what there is now, except what blocks");
        declare_json(arguments, *options);
        return [options](const Session& session) { return check(session, *options); };
      },
      "Ends with 3 when a finding blocks. It changes files with --fix alone, and runs nothing of\n"
      "the repository."};
}

}  // namespace ecluse::cli
