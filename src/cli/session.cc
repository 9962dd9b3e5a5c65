#include "cli/session.h"

#include <fmt/format.h>
#include <unistd.h>

#include <istream>
#include <ostream>

#include "api/json.h"

namespace ecluse::cli {

namespace {

std::string variable(const Session& session, const std::string& name) {
  const auto found = session.environment.find(name);
  return found == session.environment.end() ? "" : found->second;
}

std::filesystem::path first_of(std::initializer_list<std::string> candidates) {
  for (const auto& candidate : candidates) {
    if (!candidate.empty()) return std::filesystem::absolute(candidate);
  }
  return {};
}

std::string default_data(const Session& session) {
  if (geteuid() == 0) return "/var/lib/ecluse";
  return variable(session, "HOME") + "/.local/share/ecluse";
}

std::string default_run(const Session& session) {
  if (geteuid() == 0) return "/run/ecluse";
  const auto runtime = variable(session, "XDG_RUNTIME_DIR");
  return runtime.empty() ? default_data(session) + "/run" : runtime + "/ecluse";
}

}  // namespace

Places places_of(const Session& session, const std::string& data, const std::string& run) {
  return {first_of({data, variable(session, "ECLUSE_DATA"), default_data(session)}),
          first_of({run, variable(session, "ECLUSE_RUN"), default_run(session)})};
}

int report(const Session& session, const Common& common, const Error& error, int exit_code) {
  const auto& terminal = session.terminal;
  if (common.json) {
    terminal.out << api::error_json(error) << "\n";
    return exit_code;
  }
  terminal.err << terminal.paint(Ink::kBad, "error") << ": " << error.message << "\n";
  if (!error.hint.empty()) terminal.err << "  next: " << error.hint << "\n";
  return exit_code;
}

int report(const Session& session, const Common& common, const Error& error) {
  return report(session, common, error, exit_code_of(error.kind));
}

int report(const Session& session, const Common& common, const Daemon& daemon, const Error& error) {
  return report(session, common, error,
                daemon.is_away() ? static_cast<int>(kUnreachable) : exit_code_of(error.kind));
}

bool confirmed(const Session& session, const Common& common, const std::string& question) {
  if (common.yes) return true;
  const auto& terminal = session.terminal;
  if (!terminal.in_is_tty) {
    report(session, common,
           {ErrorKind::kRefused,
            fmt::format("{} This needs a yes, and there is no terminal to ask", question),
            "say --yes"});
    return false;
  }
  terminal.err << question << " [y/N] " << std::flush;
  std::string answer;
  std::getline(terminal.in, answer);
  if (answer == "y" || answer == "Y" || answer == "yes") return true;
  terminal.err << "Nothing was done.\n";
  return false;
}

}  // namespace ecluse::cli
