// The program: every role and every command is a verb of one binary.

#include <unistd.h>

#include <iostream>

#include "api/client.h"
#include "assembly.h"
#include "cli/exit_code.h"
#include "cli/verb.h"

namespace {

using namespace ecluse;

std::map<std::string, std::string> environment_variables() {
  std::map<std::string, std::string> variables;
  for (char** entry = environ; *entry != nullptr; ++entry) {
    const std::string text(*entry);
    const auto equals = text.find('=');
    if (equals != std::string::npos) variables[text.substr(0, equals)] = text.substr(equals + 1);
  }
  return variables;
}

cli::Daemon connect(const std::filesystem::path& socket) {
  auto client = std::make_shared<api::Client>(api::ClientOptions{.socket = socket});
  return {client, [client] { return client->daemon_is_away(); },
          [client] { return client->ping(); }};
}

}  // namespace

int main(int argc, char** argv) {
  std::error_code gone;
  const auto folder = std::filesystem::current_path(gone);
  if (gone) {
    std::cerr << "error: the current folder does not exist any more\n  next: go to another one\n";
    return cli::kUsage;
  }
  const cli::Session session{.terminal = cli::own_terminal(),
                             .folder = folder,
                             .environment = environment_variables(),
                             .connect = connect,
                             .roles = assembled_roles()};
  return cli::run_command_line(session, {argv + 1, argv + argc});
}
