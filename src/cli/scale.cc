#include <fmt/format.h>

#include <charconv>

#include "cli/follow.h"
#include "cli/verbs_list.h"

namespace ecluse::cli {

namespace {

constexpr int kInstancesMax = 1000;

struct Options : Common {
  std::vector<std::string> counts;
  bool detach = false;
};

/// "web=3"
Result<std::pair<std::string, int>> parse_count(const std::string& word) {
  const auto equals = word.find('=');
  int count = -1;
  if (equals != std::string::npos) {
    const auto* const end = word.data() + word.size();
    const auto read = std::from_chars(word.data() + equals + 1, end, count);
    if (read.ec != std::errc{} || read.ptr != end) count = -1;
  }
  if (equals == 0 || count < 0 || count > kInstancesMax) {
    return fail(ErrorKind::kInvalid, fmt::format("\"{}\" is not PROCESS=NUMBER", word),
                fmt::format("as web=3; at most {}", kInstancesMax));
  }
  return std::pair(word.substr(0, equals), count);
}

Result<std::map<std::string, int>> parse_counts(const std::vector<std::string>& words) {
  std::map<std::string, int> counts;
  for (const auto& word : words) {
    ECLUSE_ASSIGN(const auto count, parse_count(word));
    if (!counts.insert(count).second) {
      return fail(ErrorKind::kInvalid, fmt::format("{} is given twice", count.first));
    }
  }
  return counts;
}

int scale(const Session& session, const Options& options) {
  const auto counts = parse_counts(options.counts);
  if (!counts) return report(session, options, counts.error(), kUsage);
  return with_environment(
      session, options,
      [&](const Session& s, const Common& c, Daemon& daemon, const control::Act& act) {
        return follow_ticket(s, c, daemon, daemon.operations->scale(act, *counts), options.detach);
      });
}

}  // namespace

Verb scale_verb() {
  return {"scale", "An app's life", "Change how many instances processes have",
          [](Arguments& arguments) -> Action {
            auto options = std::make_shared<Options>();
            arguments.words("PROCESS=NUMBER", options->counts, "As web=3 worker=1", true);
            declare_target(arguments, *options);
            declare_reason(arguments, *options);
            arguments.flag("-d,--detach", options->detach, "Return at once");
            return [options](const Session& session) { return scale(session, *options); };
          }};
}

}  // namespace ecluse::cli
