#include "judge/judge.h"

#include <fmt/format.h>

#include <istream>
#include <ostream>

#include "cli/verbs_list.h"
#include "judge/trace.h"
#include "judge/verdict_json.h"
#include "os/file.h"

namespace ecluse::cli {

namespace {

constexpr std::size_t kObjectivesBytesMax = 64 << 10;

struct Options : Common {
  std::string objectives;
};

int exit_code_of(judge::Ruling ruling) {
  switch (ruling) {
    case judge::Ruling::kPromote:
      return kDone;
    case judge::Ruling::kRollback:
      return kRefused;
    case judge::Ruling::kInconclusive:
      return kInconclusive;
  }
  return kFailed;
}

Result<judge::Objectives> objectives_of(const Session& session, const Options& options) {
  const auto path = session.folder / options.objectives;
  ECLUSE_ASSIGN(const std::string text, os::read_file(path, kObjectivesBytesMax));
  auto objectives = judge::parse_objectives(text);
  if (!objectives) return fail(in_context(options.objectives, std::move(objectives).error()));
  return objectives;
}

/// Reads events until a verdict or the end of the input.
Result<judge::Verdict> replay(const judge::Objectives& objectives, std::istream& events) {
  judge::Judge judge(objectives);
  judge::Trace trace(events, objectives);
  for (;;) {
    ECLUSE_ASSIGN(const auto request, trace.next());
    if (!request) return judge.so_far();
    if (const auto verdict = judge.observe(*request)) return *verdict;
  }
}

int run_judge(const Session& session, const Options& options) {
  const auto objectives = objectives_of(session, options);
  if (!objectives) return report(session, options, objectives.error(), kUsage);
  const auto verdict = replay(*objectives, session.terminal.in);
  if (!verdict) return report(session, options, verdict.error(), kUsage);
  session.terminal.out << judge::to_json(*verdict) << "\n";
  return exit_code_of(verdict->ruling);
}

}  // namespace

Verb judge_verb() {
  return {"judge", "The machine",
          "Replay a trace of requests from stdin through the canary judge; docs/judge.md",
          [](Arguments& arguments) -> Action {
            auto options = std::make_shared<Options>();
            options->objectives = "objectives.json";
            arguments.value("--objectives", "FILE", options->objectives,
                            "JSON: alpha, beta, max_ratio, abort_when; default objectives.json");
            declare_json(arguments, *options);
            return [options](const Session& session) { return run_judge(session, *options); };
          },
          "The answer is JSON with and without --json. Exit codes: 0 promote, 3 rollback, 4 "
          "inconclusive, 2 bad input."};
}

}  // namespace ecluse::cli
