#include "poller.h"

#include <array>
#include <cassert>
#include <cerrno>
#include <ctime>

namespace ecluse::load {

Result<Poller> Poller::make() {
  os::Fd epoll(epoll_create1(EPOLL_CLOEXEC));
  if (!epoll) return fail(from_errno(errno, "epoll_create1"));
  return Poller(std::move(epoll));
}

void Poller::watch(int fd, std::uint32_t events, Watched* watched) {
  epoll_event event{};
  event.events = events;
  event.data.fd = fd;
  const bool known = watched_.contains(fd);
  const int failed = epoll_ctl(epoll_.get(), known ? EPOLL_CTL_MOD : EPOLL_CTL_ADD, fd, &event);
  assert(failed == 0);
  (void)failed;  // only used by the assertion
  watched_[fd] = watched;
}

void Poller::forget(int fd) {
  if (watched_.erase(fd) > 0) epoll_ctl(epoll_.get(), EPOLL_CTL_DEL, fd, nullptr);
}

void Poller::wait(Micros deadline) {
  const Micros left = std::max<Micros>(deadline - now_us(), 0);
  const timespec timeout{left / 1'000'000, left % 1'000'000 * 1000};
  std::array<epoll_event, 256> events;
  const int count = epoll_pwait2(epoll_.get(), events.data(), events.size(), &timeout, nullptr);
  for (int i = 0; i < count; ++i) {
    const auto found = watched_.find(events[i].data.fd);
    if (found != watched_.end()) found->second->on_ready(events[i].events);
  }
}

}  // namespace ecluse::load
