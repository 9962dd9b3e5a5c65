#pragma once
// Twins of what a pipeline and an instance's environment need: commits, artifacts, services,
// secrets, stage logs.

#include <map>
#include <set>
#include <string>
#include <vector>

#include "control/ports.h"
#include "sim/twins/faults.h"

namespace ecluse::sim {

class TwinVcs final : public ports::Vcs {
 public:
  Result<model::Commit> resolve(const std::string& app, const std::string& repository,
                                const std::string& ref) override;
  Result<void> checkout(const std::string& app, const std::string& sha,
                        const std::string& into) override;
  Result<std::string> read(const std::string& app, const std::string& sha, const std::string& path,
                           std::size_t bytes_max) override;

  std::map<std::string, std::string> files;  ///< commit to its ecluse.yml; refs are commits
};

class TwinBuilder final : public ports::Builder {
 public:
  Result<model::Artifact> build(const ports::BuildRequest& request,
                                const ports::LineSink& sink) override;
  Result<ports::CheckOutcome> check(const ports::CheckRequest& request,
                                    const ports::LineSink& sink) override;
  Result<std::string> path_of(const std::string& digest) override;
  Result<std::vector<model::Artifact>> list() override;
  Result<std::uint64_t> reclaim(const std::set<std::string>& pinned, bool dry_run) override;

  Faults faults;
  std::set<std::string> red_commits;     ///< whose checks fail
  std::set<std::string> broken_commits;  ///< which do not build
  std::set<std::string> odd_commits;     ///< whose build throws
  std::map<std::string, model::Artifact> artifacts;
};

class TwinServices final : public ports::Services {
 public:
  Result<void> ensure(const model::EnvironmentKey& key, const model::ServiceSpec& spec) override;
  Result<void> stop(const model::EnvironmentKey& key, const std::string& service) override;
  Result<std::map<std::string, std::string>> variables(
      const model::EnvironmentKey& key, const std::vector<model::ServiceSpec>& specs) override;
  Result<std::vector<ports::ServiceStatus>> status(
      const model::EnvironmentKey& key, const std::vector<model::ServiceSpec>& specs) override;
  Result<ports::DatabaseAccess> access(const model::EnvironmentKey& key,
                                       const model::ServiceSpec& spec) override;

  Faults faults;
};

class TwinBackups final : public ports::Backups {
 public:
  Result<ports::BackupSet> prove(const ports::BackupRequest& request) override;
  Result<std::vector<ports::BackupSet>> list(const model::EnvironmentKey& key) override;

  Faults faults;
  std::set<model::ReleaseKey> proven;  ///< ever
  bool database_is_away = false;

 private:
  std::map<model::EnvironmentKey, std::map<model::ReleaseNumber, ports::BackupSet>> kept_;
};

class TwinSecrets final : public ports::Secrets {
 public:
  Result<std::uint32_t> set(const model::EnvironmentKey& key, const std::string& name,
                            std::string_view value, const std::string& actor) override;
  Result<void> remove(const model::EnvironmentKey& key, const std::string& name,
                      const std::string& actor) override;
  Result<std::vector<ports::SecretInfo>> list(const model::EnvironmentKey& key) override;
  Result<std::string> get(const model::EnvironmentKey& key, const std::string& name,
                          std::optional<std::uint32_t> version) override;
  Result<void> prune(const model::EnvironmentKey& key, const std::string& name,
                     const std::set<std::uint32_t>& pinned) override;
  std::string redact(std::string_view text) const override;
  std::size_t settled(std::string_view text) const override;

 private:
  std::map<model::EnvironmentKey, std::map<std::string, std::vector<std::string>>> values_;
};

class TwinStageLogs final : public control::StageLogs {
 public:
  void append(const std::string& rollout, const std::string& stage, std::string_view line) override;
  Result<ports::LogChunk> read(const std::string& rollout, const std::string& stage,
                               std::uint64_t from_offset, Duration wait) override;

  std::map<std::string, std::string> texts;  ///< "rollout stage" to its lines
};

}  // namespace ecluse::sim
