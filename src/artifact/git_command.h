#pragma once
// The git program as ecluse calls it: argv only, our own configuration and nobody else's, no hooks,
// no prompts, a deadline. Every call of git in ecluse goes through here.

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "base/result.h"
#include "os/subprocess.h"

namespace ecluse::artifact {

struct GitCall {
  std::filesystem::path git_folder;        ///< --git-dir; empty: none
  std::vector<std::string> arguments;      ///< after our own -c options
  std::string protocols;                   ///< GIT_ALLOW_PROTOCOL; empty: no transport at all
  std::filesystem::path settings;          ///< our own "global" configuration; empty: none
  std::map<std::string, std::string> env;  ///< added to the clean environment
  std::string input;
  std::chrono::milliseconds timeout{60'000};
  std::size_t output_bytes_max = 64 << 20;
  std::uint64_t file_bytes_max = 0;  ///< of each file that it writes; 0: unbounded
};

/// Runs git; the exit code is the caller's to read.
Result<os::Finished> git(const GitCall& call);

/// Runs git and returns its output; a non-zero exit is an error of a fitting kind (disk full:
/// Exhausted, unreachable: Unavailable, no such repository: NotFound, not let in: Refused) that
/// quotes what git said, without credentials.
Result<std::string> git_output(const GitCall& call);

/// The error of a git that exited non-zero, as git_output() gives it.
Error git_error(const os::Finished& finished);

/// `https://user:password@host/x` as `https://***@host/x`, wherever it occurs in `text`.
std::string without_credentials(std::string_view text);

}  // namespace ecluse::artifact
