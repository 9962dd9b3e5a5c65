#include <fmt/format.h>

#include <ostream>

#include "api/json.h"
#include "api/wire.h"
#include "cli/rollout_text.h"
#include "cli/verbs_list.h"

namespace ecluse::cli {

namespace {

struct Options : Common {
  bool dry_run = false;
};

int gc(const Session& session, const Options& options) {
  auto daemon = daemon_of(session, options);
  const auto bytes = daemon.operations->reclaim("", options.dry_run);
  if (!bytes) return report(session, options, daemon, bytes.error());
  if (options.json) {
    session.terminal.out << api::json_text(api::Reclaimed{*bytes, options.dry_run}) << "\n";
  } else {
    session.terminal.out << fmt::format("{} {}\n", short_bytes(*bytes),
                                        options.dry_run ? "could be freed" : "freed");
  }
  return kDone;
}

}  // namespace

Verb gc_verb() {
  return {"gc", "The machine", "Free the disk of what no rollback needs",
          [](Arguments& arguments) -> Action {
            auto options = std::make_shared<Options>();
            declare_daemon(arguments, *options);
            arguments.flag("-n,--dry-run", options->dry_run, "Only count");
            return [options](const Session& session) { return gc(session, *options); };
          }};
}

}  // namespace ecluse::cli
