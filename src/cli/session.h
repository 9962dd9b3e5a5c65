#pragma once
// One call of the program: where it stands, whom it speaks to, how it answers.

#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <string>

#include "api/wire.h"
#include "cli/exit_code.h"
#include "cli/roles.h"
#include "cli/terminal.h"
#include "control/operations.h"

namespace ecluse::cli {

/// A way to a control plane, and whether it was there when last asked.
struct Daemon {
  std::shared_ptr<control::Operations> operations;
  std::function<bool()> is_away;
  std::function<Result<api::Pong>()> ping;
};

struct Session {
  Terminal terminal;
  std::filesystem::path folder;  ///< where the person stands
  std::map<std::string, std::string> environment;
  std::function<Daemon(const std::filesystem::path& socket)> connect;
  Roles roles;
};

/// Flags that most verbs share.
struct Common {
  bool json = false;
  std::string run;  ///< --run; empty: $ECLUSE_RUN, or the default
  std::string app;
  std::string environment;
  std::string reason;
  bool yes = false;
};

/// /run/ecluse and /var/lib/ecluse for root, else below the home folder; $ECLUSE_RUN and
/// $ECLUSE_DATA are asked first.
Places places_of(const Session& session, const std::string& data, const std::string& run);

/// Prints it (as JSON when asked for) and returns the exit code that fits.
int report(const Session& session, const Common& common, const Error& error, int exit_code);
int report(const Session& session, const Common& common, const Error& error);
/// As report(), but an error because nobody answers is kUnreachable.
int report(const Session& session, const Common& common, const Daemon& daemon, const Error& error);

/// Asks on the terminal; false without one (unless --yes), after saying that --yes is needed.
bool confirmed(const Session& session, const Common& common, const std::string& question);

}  // namespace ecluse::cli
