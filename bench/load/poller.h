#pragma once
// One epoll set and who is told about which descriptor. One thread.

#include <sys/epoll.h>

#include <cstdint>
#include <unordered_map>

#include "base/result.h"
#include "os/fd.h"
#include "tally.h"

namespace ecluse::load {

/// Told when its descriptor is ready. May be told once too often: it must ask the descriptor, never
/// trust the event.
class Watched {
 public:
  virtual ~Watched() = default;
  virtual void on_ready(std::uint32_t events) = 0;
};

class Poller {
 public:
  static Result<Poller> make();
  /// Watches `fd` for `events`, or changes them; the caller calls forget() before it closes it.
  void watch(int fd, std::uint32_t events, Watched* watched);
  void forget(int fd);
  /// Waits until `deadline` for events and tells whom they concern.
  void wait(Micros deadline);

 private:
  explicit Poller(os::Fd epoll) : epoll_(std::move(epoll)) {}
  os::Fd epoll_;
  std::unordered_map<int, Watched*> watched_;
};

}  // namespace ecluse::load
