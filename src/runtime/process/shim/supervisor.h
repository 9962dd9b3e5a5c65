#pragma once
// Keeps one app running: the only place that decides when it is started, restarted, signalled and
// given up. One thread, one poll loop.

#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "os/fd.h"
#include "runtime/process/shim/conf.h"
#include "runtime/process/shim/group.h"
#include "runtime/process/shim/log_files.h"
#include "runtime/process/shim/report.h"
#include "runtime/process/shim/server.h"

namespace ecluse::shim {

/// An app that outlived its shim.
struct Adoption {
  pid_t pid = 0;  ///< 0: the app is gone too, which counts as an exit nobody saw
  std::uint64_t pid_start = 0;
  std::uint32_t starts = 0;
};

class Supervisor {
 public:
  Supervisor(Conf conf, std::vector<std::string> env, std::string folder);

  /// Opens output, logs and socket, then starts or adopts the app.
  Result<void> begin(const std::string& run_folder, const std::optional<Adoption>& adoption);
  /// Returns when the app has ended for good and nothing of it is left.
  void run();

 private:
  using Millis = std::int64_t;

  Result<void> open_output();
  Result<void> launch();
  void adopt(const Adoption& adoption);
  void watch(pid_t pid);

  int wait_ms() const;
  void take_signals();
  void reap();
  void read_output();
  void check_timers(Millis now);
  void check_stopped(Millis now);

  void exited(int code);
  void plan_restart(Millis now);
  void stop();
  void finish();
  bool end_group();
  std::string answer(const std::string& word);
  void tell(const std::string& event);
  std::string fifo() const { return folder_ + "/out.fifo"; }

  Conf conf_;
  std::vector<std::string> env_;
  std::string folder_;
  Group group_;
  LogFiles logs_;
  Server server_;
  os::Fd signals_;
  os::Fd output_;
  os::Fd app_;  ///< pidfd; invalid: none runs
  bool adopted_ = false;
  bool stopping_ = false;
  bool asked_to_end_ = false;  ///< by SIGTERM: not for good
  bool ended_ = false;
  Report report_;
  Millis started_at_ = 0;
  Millis backoff_ms_ = 0;
  std::deque<Millis> exits_;
  std::optional<Millis> restart_at_;
  std::optional<Millis> kill_at_;
  std::optional<Millis> deadline_;
};

}  // namespace ecluse::shim
