#include "judge/judge.h"

#include <fmt/format.h>

#include <istream>
#include <ostream>

#include "cli/verbs_list.h"
#include "judge/trace.h"
#include "os/file.h"

namespace ecluse::cli {

namespace {

constexpr std::size_t kObjectivesBytesMax = 64 << 10;
constexpr std::size_t kLineBytesMax = 64 << 10;

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

Result<judge::Judge> judge_of(const Session& session, const Options& options) {
  const auto path = session.folder / options.objectives;
  ECLUSE_ASSIGN(const std::string text, os::read_file(path, kObjectivesBytesMax));
  auto objectives = judge::parse_objectives(text);
  if (!objectives) return fail(in_context(options.objectives, std::move(objectives).error()));
  return judge::Judge(*std::move(objectives));
}

/// Reads events until a verdict or the end of the input.
Result<judge::Verdict> replay(judge::Judge& judge, std::istream& events) {
  std::string line;
  for (std::uint64_t number = 1; std::getline(events, line); ++number) {
    if (line.empty()) continue;
    if (line.size() > kLineBytesMax) {
      return fail(
          ErrorKind::kInvalid,
          fmt::format("line {} is longer than the {} bytes of an event", number, kLineBytesMax));
    }
    auto request = judge::parse_event(line);
    if (!request) {
      return fail(in_context(fmt::format("line {}", number), std::move(request).error()));
    }
    if (const auto verdict = judge.observe(*request)) return *verdict;
  }
  return judge.so_far();
}

int run_judge(const Session& session, const Options& options) {
  auto judge = judge_of(session, options);
  if (!judge) return report(session, options, judge.error(), kUsage);
  const auto verdict = replay(*judge, session.terminal.in);
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
