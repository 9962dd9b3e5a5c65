#include <fmt/format.h>

#include <algorithm>
#include <ostream>
#include <thread>

#include "api/json.h"
#include "api/wire.h"
#include "base/locked.h"
#include "cli/target.h"
#include "cli/verbs_list.h"

namespace ecluse::cli {

namespace {

/// How long the daemon holds a question that has no answer yet.
constexpr std::chrono::seconds kWait{5};

struct Options : Common {
  std::string target;
  std::string process;
  std::string instance;
  std::string stage;
  std::string rollout;
  std::optional<std::uint32_t> lines;
  bool follow = false;
};

struct Source {
  std::string name;  ///< an instance id or a stage
  std::uint64_t offset = 0;
  std::string rest;  ///< of a line that is not complete yet
};

void print_line(const Session& session, const Options& options, const Source& source,
                std::string_view line, bool several) {
  const auto& terminal = session.terminal;
  if (options.json) {
    terminal.out << api::json_text(api::LogLine{source.name, std::string(line)}) << "\n";
  } else if (several) {
    terminal.out << terminal.paint(Ink::kDim, source.name + " | ") << line << "\n";
  } else {
    terminal.out << line << "\n";
  }
}

void print_chunk(const Session& session, const Options& options, Source& source,
                 const ports::LogChunk& chunk, bool several) {
  source.offset = chunk.next_offset;
  source.rest += chunk.text;
  std::size_t from = 0;
  for (auto end = source.rest.find('\n'); end != std::string::npos;
       end = source.rest.find('\n', from)) {
    print_line(session, options, source, std::string_view(source.rest).substr(from, end - from),
               several);
    from = end + 1;
  }
  source.rest.erase(0, from);
}

Result<ports::LogChunk> read_source(const Options& options, control::Operations& operations,
                                    const Source& source, Duration wait) {
  if (!options.stage.empty()) {
    return operations.stage_log(options.rollout, source.name, source.offset, wait);
  }
  return operations.logs(source.name, {options.lines.value_or(100), source.offset, wait});
}

bool is_wanted(const Options& options, const control::InstanceView& instance) {
  if (!options.process.empty() && instance.process != options.process) return false;
  return options.instance.empty() || instance.status.id == options.instance ||
         instance.status.id.ends_with("-" + options.instance);
}

Result<std::vector<Source>> sources_of(const Session& session, const Options& options,
                                       control::Operations& operations) {
  if (!options.stage.empty()) return std::vector<Source>{{options.stage, 0, ""}};
  ECLUSE_ASSIGN(const auto key, resolve_environment(session, options, operations, options.target));
  ECLUSE_ASSIGN(const auto view, operations.environment(key));
  std::vector<Source> sources;
  for (const auto& instance : view.instances) {
    if (is_wanted(options, instance)) sources.push_back({instance.status.id, 0, ""});
  }
  if (!sources.empty()) return sources;
  return fail(ErrorKind::kNotFound, fmt::format("no such instance runs in {}", to_string(key)),
              "`ecluse status` shows the instances");
}

/// What ends following: the first source that fails, or that nobody reads us any more.
struct Following {
  int code = kDone;
  bool over = false;
};

void follow_one(const Session& session, const Options& options, Source& source, bool several,
                Locked<Following>& following) {
  auto daemon = daemon_of(session, options);
  while (!following.with([](const Following& f) { return f.over; })) {
    const auto chunk = read_source(options, *daemon.operations, source, kWait);
    following.with([&](Following& f) {
      if (f.over) return;
      if (chunk) print_chunk(session, options, source, *chunk, several);
      session.terminal.out << std::flush;
      if (!chunk) f.code = report(session, options, daemon, chunk.error());
      f.over = !chunk || !session.terminal.out;
    });
  }
}

/// Each source has a question of its own open at the daemon, so that none waits for another.
int follow(const Session& session, const Options& options, std::vector<Source>& sources) {
  Locked<Following> following;
  std::vector<std::jthread> threads;
  for (auto& source : sources) {
    threads.emplace_back([&, several = sources.size() > 1] {
      follow_one(session, options, source, several, following);
    });
  }
  threads.clear();
  return following.with([](const Following& f) { return f.code; });
}

int logs(const Session& session, const Options& options) {
  if (options.stage.empty() != options.rollout.empty()) {
    return report(session, options,
                  {ErrorKind::kInvalid, "--stage and --rollout go together",
                   "`ecluse logs --rollout lettings/prod@12 --stage build`"},
                  kUsage);
  }
  auto daemon = daemon_of(session, options);
  auto sources = sources_of(session, options, *daemon.operations);
  if (!sources) return report(session, options, daemon, sources.error());
  const bool several = sources->size() > 1;
  for (auto& source : *sources) {
    const auto chunk = read_source(options, *daemon.operations, source, Duration::zero());
    if (!chunk) return report(session, options, daemon, chunk.error());
    print_chunk(session, options, source, *chunk, several);
  }
  if (options.follow) return follow(session, options, *sources);
  for (auto& source : *sources) {
    if (!source.rest.empty()) print_line(session, options, source, source.rest, several);
  }
  return kDone;
}

}  // namespace

Verb logs_verb() {
  return {"logs", "Inside an app", "What instances, or a stage of a rollout, wrote",
          [](Arguments& arguments) -> Action {
            auto options = std::make_shared<Options>();
            arguments.positional("ENV", options->target, "The environment; default: the only one");
            declare_target(arguments, *options);
            arguments.value("-p,--process", "NAME", options->process, "Only instances of it");
            arguments.value("-i,--instance", "ID", options->instance,
                            "Only this one, or its number");
            arguments.number("-n,--lines", "N", options->lines, "The last N of each; default 100");
            arguments.flag("-f,--follow", options->follow, "Go on as they come");
            arguments.value("--stage", "NAME", options->stage, "Of a rollout: build, check...");
            arguments.value("--rollout", "ROLLOUT", options->rollout, "As lettings/prod@12");
            return [options](const Session& session) { return logs(session, *options); };
          },
          "With --json one object per line: {\"source\", \"line\"}."};
}

}  // namespace ecluse::cli
