#pragma once
// Control groups of instances, cgroup v2 or the v1 hierarchies: ecluse/TAG/ID in each.

#include <sys/types.h>

#include <map>
#include <string>
#include <vector>

#include "base/result.h"
#include "model/spec.h"
#include "ports/runtime.h"

namespace ecluse::runtime {

enum class CgroupVersion { kNone, kV1, kV2 };

/// Thread-safe: it only remembers where the hierarchies are.
class Cgroups {
 public:
  /// Reads the mount table. `tag` keeps the instances of one data folder apart from another's.
  static Cgroups detect(const std::string& tag);
  /// Of a given mount table, for tests.
  static Cgroups from_mounts(std::string_view mounts, const std::string& tag);

  CgroupVersion version() const { return version_; }
  /// Makes the groups of `id` with its limits. The folders to join; the first one also lists and
  /// kills. Idempotent: limits are set again.
  Result<std::vector<std::string>> create(const std::string& id, const model::LimitSpec& limits);
  Result<ports::Usage> usage(const std::string& id) const;
  /// Of the whole group, alive.
  std::vector<pid_t> members(const std::string& id) const;
  /// Kills whatever is left, proves it empty, removes it. Idempotent.
  Result<void> remove(const std::string& id) const;
  /// Where shims go, out of the control plane's own group; empty: nowhere.
  Result<std::string> shim_folder() const;

  /// Removes the folders that all share, if nobody is in them; nobody may be starting anything.
  void tidy() const;

 private:
  std::string folder(const std::string& controller, const std::string& id) const;
  std::vector<std::string> folders(const std::string& id) const;
  Result<void> set_limits(const std::string& id, const model::LimitSpec& limits) const;
  Result<void> enable_controllers() const;

  CgroupVersion version_ = CgroupVersion::kNone;
  std::string tag_;
  /// Controller to mount point; on v2 all the same. In the order to join: freezer first.
  std::vector<std::pair<std::string, std::string>> controllers_;
  std::string v2_mount_;
  std::string shim_mount_;
};

}  // namespace ecluse::runtime
