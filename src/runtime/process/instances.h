#pragma once
// What the runtime has in hand: each instance and job by id, and a lock per id.

#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "base/locked.h"
#include "runtime/process/launch_file.h"

namespace ecluse::runtime {

/// Thread-safe.
class Instances {
 public:
  /// Held while somebody starts, stops or adopts `id`; the others wait.
  class Turn {
   public:
    Turn(Instances& instances, std::string id);
    ~Turn();
    Turn(const Turn&) = delete;
    Turn& operator=(const Turn&) = delete;

   private:
    Instances& instances_;
    std::string id_;
  };
  /// Somebody works on it right now.
  bool is_busy(const std::string& id) const;

  std::optional<StoredLaunch> find(const std::string& id) const;
  std::vector<StoredLaunch> all() const;
  void put(StoredLaunch stored);
  void erase(const std::string& id);

 private:
  Locked<std::map<std::string, StoredLaunch>> known_;
  Locked<std::set<std::string>> busy_;
};

}  // namespace ecluse::runtime
