// RT-001..006: what only a running app shows. Found by preflight/started while a release is
// examined; here are their words.

#include <array>

#include "preflight/rules/rule.h"

namespace ecluse::preflight {

namespace {
/// Nothing in the files tells.
Findings in_files(const Subject&) {
  return {};
}
}  // namespace

std::span<const Rule> started_rules() {
  static constexpr std::array kRules = {
      Rule{"RT-001", Severity::kBlock, "A debugger answers visitors",
           "Whoever reaches it can run code of their own in the app.",
           "Start the app without debug mode: no `debug=True`, no FLASK_DEBUG.", in_files},
      Rule{"RT-002", Severity::kMajor, "SIGTERM is not honoured",
           "Every stop takes until the app is killed, and cuts off the requests it is at.",
           "Handle SIGTERM, or start a server that does as the process itself: `exec` in scripts.",
           in_files},
      Rule{
          "RT-003", Severity::kMajor, "It runs as root",
          "A flaw of the app is then a flaw of the machine.",
          "Run ecluse as root, so that each app gets a user of its own, or drop rights in the app.",
          in_files},
      Rule{"RT-004", Severity::kMajor, "A secret stands in a command line",
           "Every user of the machine can read the arguments of every process.",
           "Let the program read it from the environment or a file.", in_files},
      Rule{"RT-005", Severity::kMajor, "A secret is printed",
           "The log on the disk holds it, and so does whatever collects logs.",
           "Do not print settings or URLs that hold passwords.", in_files},
      Rule{"RT-006", Severity::kInfo, "A variable is set and never read",
           "A misspelt name looks like a setting and is none.",
           "Correct its name, or remove it from ecluse.yml.", in_files},
  };
  return kRules;
}

}  // namespace ecluse::preflight
