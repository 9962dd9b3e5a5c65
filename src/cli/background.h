#pragma once
// Processes that outlive us, and the small protocol of a service that is getting ready.

#include <chrono>
#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "base/result.h"

namespace ecluse::cli {

/// Starts `program` as nobody's child in a session of its own, its output appended to `log`.
/// Returns when exec() happened. Call before threads are started.
Result<void> spawn_detached(const std::filesystem::path& program,
                            const std::vector<std::string>& argv, const std::filesystem::path& log);

/// Forks: the child runs `serve` with its output in `log` and tells through `ready`, once, that it
/// serves; the parent returns then, with what the child said, or with the child's error.
Result<std::string> detach(
    const std::filesystem::path& log, std::chrono::seconds deadline,
    const std::function<Result<void>(const std::function<void(const std::string&)>& ready)>& serve);

/// Tells the init system (sd_notify(3)): "READY=1", when it asked by $NOTIFY_SOCKET.
Result<void> notify_init(const std::string& notify_socket, const std::string& message);

/// Waits until the process is gone. Timeout after `deadline`; NotFound when it never was.
Result<void> terminate(int pid, std::chrono::seconds deadline);

/// The last lines of a file, for errors that should quote it.
std::string last_lines(const std::filesystem::path& file, std::size_t lines);

}  // namespace ecluse::cli
