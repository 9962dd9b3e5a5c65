#include "runtime/process/shim_watch.h"

#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <vector>

#include "base/log.h"

namespace ecluse::runtime {

namespace {
constexpr int kRetryMs = 1000;
}  // namespace

ShimWatch::ShimWatch(Callbacks callbacks)
    : callbacks_(std::move(callbacks)), wake_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
  thread_ = std::jthread([this](const std::stop_token& stop) { run(stop); });
}

ShimWatch::~ShimWatch() {
  thread_.request_stop();
  wake();
}

void ShimWatch::wake() {
  const std::uint64_t one = 1;
  (void)!::write(wake_.get(), &one, sizeof one);  // full means it is awake already
}

void ShimWatch::add(const std::string& id, ShimLink link) {
  auto shared = std::make_shared<ShimLink>(std::move(link));
  links_.with([&](Links& links) { links[id] = std::move(shared); });
  wake();
}

void ShimWatch::remove(const std::string& id) {
  links_.with([&](Links& links) { links.erase(id); });
  missing_.with([&](auto& missing) { missing.erase(id); });
  wake();
}

void ShimWatch::retry(const std::string& id) {
  missing_.with([&](auto& missing) { missing.insert(id); });
  wake();
}

void ShimWatch::retry_missing() {
  for (const std::string& id : missing_.with([](auto& missing) { return missing; })) {
    if (callbacks_.lost(id)) missing_.with([&](auto& missing) { missing.erase(id); });
  }
}

void ShimWatch::run(const std::stop_token& stop) {
  while (!stop.stop_requested()) {
    const Links links = links_.with([](const Links& all) { return all; });
    std::vector<pollfd> polled{{wake_.get(), POLLIN, 0}};
    for (const auto& [id, link] : links) polled.push_back({link->fd(), POLLIN, 0});
    const bool all_well = missing_.with([](const auto& missing) { return missing.empty(); });
    const int ready = ::poll(polled.data(), polled.size(), all_well ? -1 : kRetryMs);
    if (ready == 0 && !stop.stop_requested()) retry_missing();
    std::uint64_t count = 0;
    (void)!::read(wake_.get(), &count, sizeof count);  // nothing to read is fine
    std::size_t i = 1;
    for (const auto& [id, link] : links) {
      if (polled[i++].revents != 0 && !stop.stop_requested()) listen_to(id, link);
    }
  }
}

void ShimWatch::listen_to(const std::string& id, const std::shared_ptr<ShimLink>& link) {
  for (;;) {
    const auto line = link->receive(std::chrono::milliseconds(0));
    if (line && !*line) return;
    if (line) {
      if (const auto report = parse_report(**line)) {
        callbacks_.told(id, *report);
      } else {
        log_error("shim of {}: {}", id, report.error().message);
      }
      continue;
    }
    const bool ours = links_.with([&](Links& links) {
      const auto found = links.find(id);
      if (found == links.end() || found->second != link) return false;
      links.erase(found);
      return true;
    });
    if (ours && !callbacks_.lost(id)) retry(id);
    return;
  }
}

}  // namespace ecluse::runtime
