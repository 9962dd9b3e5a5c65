#include <fmt/format.h>

#include <ostream>

#include "cli/target.h"
#include "cli/verbs_list.h"
#include "config/parse.h"
#include "config/tree.h"
#include "os/calendar_day.h"
#include "os/file.h"
#include "preflight/acceptance.h"
#include "preflight/page.h"
#include "preflight/report.h"
#include "preflight/rules/rule.h"
#include "preflight/sarif.h"
#include "preflight/tree/walk.h"

namespace ecluse::cli {

namespace {

struct Options : Common {
  std::string path;
  std::string environment;
  std::string explain;
  std::string format = "text";
  bool write_baseline = false;
};

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

int check(const Session& session, const Options& options) {
  if (!options.explain.empty()) return explain(session, options);
  const auto format = format_of(options);
  if (!format) return report(session, options, format.error(), kUsage);
  const auto root = session.folder / (options.path.empty() ? "." : options.path);
  const auto repository = preflight::read_repository(root);
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
  if (options.write_baseline) return write_baseline(session, options, root, findings);
  session.terminal.out << (*format)(findings, *repository, title_of(root, today));
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
            arguments.value("--format", "FORMAT", options->format,
                            "text, json, sarif, or html: one page",
                            {"text", "json", "sarif", "html"});
            arguments.flag("--write-baseline", options->write_baseline,
                           "Accept what there is now, except what blocks");
            declare_json(arguments, *options);
            return [options](const Session& session) { return check(session, *options); };
          },
          "Ends with 3 when a finding blocks. It reads files only and runs nothing of the "
          "repository."};
}

}  // namespace ecluse::cli
