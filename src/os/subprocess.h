#pragma once
// Runs a program to its end: argv (never a shell), bounded output, a deadline, no inherited
// descriptors. For the tools ecluse calls (git, ip, nft, initdb...), not for an app's processes.

#include <chrono>
#include <filesystem>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace ecluse::os {

struct Command {
  std::vector<std::string> argv;           ///< argv[0] is searched in PATH
  std::map<std::string, std::string> env;  ///< the whole environment when `clean_env`, else added
  bool clean_env = false;
  std::filesystem::path folder;               ///< working folder; empty: ours
  std::string input;                          ///< given on stdin
  std::chrono::milliseconds timeout{60'000};  ///< then SIGKILL to the whole process group
  std::size_t output_bytes_max = 1 << 20;     ///< of stdout and of stderr each; the rest is dropped
};

struct Finished {
  int exit_code = 0;  ///< 128 + signal when a signal ended it
  std::string out;
  std::string err;
};

/// Blocking. Fails when the program cannot be started or runs out of time, not when it exits
/// non-zero: that is in `exit_code`.
Result<Finished> run(const Command& command);

/// As run(), but a non-zero exit is an error that quotes the last lines of stderr.
Result<std::string> output_of(const Command& command);

}  // namespace ecluse::os
