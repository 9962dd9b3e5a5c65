#pragma once
// Runs instances as plain processes of this host, each in surroundings of its own. docs/runtime.md
// tells what is on disk and what the limits are.

#include <filesystem>
#include <memory>

#include "ports/runtime.h"
#include "runtime/process/process_options.h"

namespace ecluse::runtime {

/// As ports::Runtime says. Destroying it leaves everything running; the next one finds it again.
/// `list()` tells of instances, not of jobs. An app is told its port by PORT in its environment;
/// one without PORT has the fixed port of `Launch::port`.
class ProcessRuntime final : public ports::Runtime {
 public:
  /// Takes over what an earlier one left: connects to shims, replaces dead ones, starts again what
  /// is gone, finishes stops that were begun. One at a time per data folder (its owner holds the
  /// lock).
  static Result<std::unique_ptr<ProcessRuntime>> open(const std::filesystem::path& data_folder,
                                                      const std::filesystem::path& run_folder,
                                                      const ProcessOptions& options = {});
  ~ProcessRuntime() override;

  Result<ports::InstanceStatus> start(const ports::Launch& launch) override;
  Result<void> stop(const std::string& id) override;
  Result<int> run_job(const ports::Launch& launch, Duration timeout,
                      const ports::LineSink& sink) override;
  Result<std::vector<ports::InstanceStatus>> list() override;
  Result<ports::InstanceStatus> status(const std::string& id) override;
  Result<ports::Usage> usage(const std::string& id) override;
  Result<std::vector<ports::Listener>> listeners(const std::string& id) override;
  Result<ports::LogChunk> logs(const std::string& id, const ports::LogQuery& query) override;
  void subscribe(std::function<void(const ports::InstanceEvent&)> on_event) override;

  /// False: plain processes on the host, without namespaces, users and limits.
  bool isolated() const;

 private:
  class Engine;
  explicit ProcessRuntime(std::unique_ptr<Engine> engine);
  std::unique_ptr<Engine> engine_;
};

}  // namespace ecluse::runtime
