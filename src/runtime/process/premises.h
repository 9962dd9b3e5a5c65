#pragma once
// Everything an instance needs around it before its shim can start, and its removal afterwards.

#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "runtime/process/account.h"
#include "runtime/process/cgroup.h"
#include "runtime/process/launch_file.h"
#include "runtime/process/network.h"
#include "runtime/process/process_options.h"
#include "runtime/process/shim/conf.h"
#include "runtime/process/shim_process.h"

namespace ecluse::runtime {

/// Thread-safe for different ids; the caller sees to it that one id is worked on at a time.
class Premises {
 public:
  static Result<std::unique_ptr<Premises>> open(std::filesystem::path data,
                                                std::filesystem::path run,
                                                const ProcessOptions& options);
  ~Premises() { cgroups_.tidy(); }

  /// Own namespaces, users and groups; false: plain processes on the host.
  bool isolated() const { return isolated_; }
  std::filesystem::path folder(const std::string& id) const { return data_ / "instances" / id; }
  std::filesystem::path run_folder(const std::string& id) const { return run_ / "instances" / id; }
  std::filesystem::path old_logs(const std::string& id) const {
    return data_ / "logs/instances" / id;
  }
  std::filesystem::path instances() const { return data_ / "instances"; }

  /// Chooses address and port and writes the launch down, so that it survives us from here on.
  Result<void> take(StoredLaunch& stored);
  /// Makes folders, group and network, and starts the shim, which starts or adopts the app.
  Result<void> start(const StoredLaunch& stored, const std::optional<OrphanedApp>& orphan);
  /// Kills and removes what the kernel knows of it; its folder stays.
  Result<void> vacate(const StoredLaunch& stored);
  /// Its folder too; the logs move to old_logs().
  Result<void> forget(const StoredLaunch& stored);

  /// Gives back the addresses of all but `known`.
  Result<void> forget_strangers(const std::vector<StoredLaunch>& known);

  const Cgroups& cgroups() const { return cgroups_; }

 private:
  Premises(std::filesystem::path data, std::filesystem::path run, const ProcessOptions& options,
           Ipv4Network network);
  Result<void> choose_place(StoredLaunch& stored);
  Result<Account> account_of(const ports::Launch& launch);
  Result<shim::Conf> conf_for(const StoredLaunch& stored);
  Result<shim::Surroundings> surroundings_for(const ports::Launch& launch, const Account& account);
  Result<std::string> app_overlay(const ports::Launch& launch, const Account& account);
  Result<void> prepare_mounts(const ports::Launch& launch, const Account& account);

  std::filesystem::path data_;
  std::filesystem::path run_;
  ProcessOptions options_;
  std::string tag_;
  bool isolated_;
  Cgroups cgroups_;
  Accounts accounts_;
  Network network_;
  os::Fd image_;
};

}  // namespace ecluse::runtime
