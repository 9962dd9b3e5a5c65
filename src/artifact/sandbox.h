#pragma once
// Where the commands of a build run: the tree at /app in a mount namespace of its own, an
// unprivileged user, private /tmp, process numbers of its own (so that nothing outlives the build),
// bounds on time, memory, processes and file size. The network is the host's: registries are
// reached. Without privilege the commands run in the tree's own place as the user we are;
// is_private() tells.

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "base/result.h"
#include "ports/runtime.h"

namespace ecluse::artifact {

/// A folder of ours that the commands see at another place.
struct Bind {
  std::filesystem::path source;
  std::string target;  ///< below /tmp or /app; made when missing
  bool writable = true;
};

struct SandboxBounds {
  std::uint64_t memory_bytes_max = 4ULL << 30;
  std::uint32_t pids_max = 2048;
  std::uint64_t file_bytes_max = 8ULL << 30;
  std::size_t lines_max = 100'000;  ///< of output; the rest is counted, not kept
};

struct Sandbox {
  std::filesystem::path app;  ///< becomes /app
  std::filesystem::path tmp;  ///< becomes /tmp
  std::vector<Bind> binds;
  std::vector<std::filesystem::path> hidden;  ///< folders that become empty
  std::uint32_t uid = 0;
  SandboxBounds bounds;
};

struct SandboxCommand {
  std::vector<std::string> argv;  ///< argv[0] is searched in the PATH of `env`
  std::map<std::string, std::string> env;
  std::string folder = "/app";
  std::chrono::milliseconds timeout = std::chrono::minutes(30);
};

/// Whether we may make namespaces and change users.
bool is_private();

/// Where the commands of `sandbox` see a path below its `app`, `tmp` and binds: "/app", or in plain
/// mode the folder itself.
std::string app_place(const Sandbox& sandbox);
std::string tmp_place(const Sandbox& sandbox);

/// Runs the command to its end and returns its exit code (128 + signal). `sink` gets each line of
/// stdout and stderr from this thread, without credentials. Nothing it started is left. Blocking.
/// Fails: Timeout; Unavailable when the sandbox cannot be made, saying which step the kernel
/// refused; NotFound when the program does not exist.
Result<int> run_in(const Sandbox& sandbox, const SandboxCommand& command,
                   const ports::LineSink& sink);

}  // namespace ecluse::artifact
