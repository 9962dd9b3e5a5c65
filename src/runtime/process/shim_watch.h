#pragma once
// One thread that listens to all shims: passes on what they tell, and notices when one is gone.

#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <thread>

#include "base/locked.h"
#include "os/fd.h"
#include "runtime/process/shim_link.h"

namespace ecluse::runtime {

/// Thread-safe.
class ShimWatch {
 public:
  struct Callbacks {
    std::function<void(const std::string& id, const ShimReport&)> told;
    /// Its connection ended. False: nothing could be done yet, call again after a while.
    std::function<bool(const std::string& id)> lost;
  };
  explicit ShimWatch(Callbacks callbacks);
  ~ShimWatch();

  /// From now on `id` is listened to by `link`, which has asked for events.
  void add(const std::string& id, ShimLink link);
  void remove(const std::string& id);
  /// Has no shim now: `lost` is called after a while.
  void retry(const std::string& id);

 private:
  using Links = std::map<std::string, std::shared_ptr<ShimLink>>;
  void run(const std::stop_token& stop);
  void wake();
  void retry_missing();
  void listen_to(const std::string& id, const std::shared_ptr<ShimLink>& link);

  Callbacks callbacks_;
  os::Fd wake_;
  Locked<Links> links_;
  Locked<std::set<std::string>> missing_;
  std::jthread thread_;
};

}  // namespace ecluse::runtime
