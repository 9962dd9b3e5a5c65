#include "observe/http_prober.h"

#include <fmt/format.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <deque>
#include <map>
#include <thread>

#include "base/locked.h"
#include "base/log.h"
#include "observe/probe_lane.h"

namespace ecluse::observe {

namespace {
using ports::ProbeChange;
using ports::ProbeEvent;
using ports::ProbeResult;
using ports::ProbeTarget;

constexpr std::size_t kRecentMax = 10;
constexpr Duration kIdle = std::chrono::minutes(10);  // only bounds a poll; mail wakes it

Duration steady_now() {
  return std::chrono::duration_cast<Duration>(std::chrono::steady_clock::now().time_since_epoch());
}

struct Mail {
  std::string instance;
  std::optional<ProbeTarget> target;  ///< absent: forget it
};

/// Equal answers in a row are one line of evidence: thirty refusals must not push out the one
/// stack trace between them.
void add(std::deque<ProbeResult>& recent, ProbeResult result) {
  const auto same = [&](const ProbeResult& last) {
    return last.what == result.what && last.ok == result.ok && last.status == result.status &&
           last.detail == result.detail;
  };
  if (!recent.empty() && same(recent.back())) recent.pop_back();
  recent.push_back(std::move(result));
  if (recent.size() > kRecentMax) recent.pop_front();
}

std::vector<ProbeLane> lanes_of(const ProbeTarget& target) {
  std::vector<ProbeLane> lanes;
  lanes.emplace_back(target, ProbeKind::kReady, steady_now());
  if (target.live) lanes.emplace_back(target, ProbeKind::kLive, steady_now());
  return lanes;
}

std::string seen(const ProbeResult& result) {
  if (result.status == 0) return result.detail;
  if (result.ok || result.detail.empty()) return fmt::format("HTTP {}", result.status);
  return fmt::format("HTTP {}, {}", result.status, result.detail);
}

std::string detail_of(const ProbeLane& lane, const ProbeResult& result) {
  if (result.ok) return fmt::format("{}: {}", lane.what(), seen(result));
  const auto times = lane.failures() == 1 ? std::string("once")
                                          : fmt::format("{} times in a row", lane.failures());
  return fmt::format("{} failed {}: {}", lane.what(), times, seen(result));
}

std::optional<ProbeChange> change_of(ProbeKind kind, Turn turn) {
  switch (turn) {
    case Turn::kNone:
      return std::nullopt;
    case Turn::kPassed:
      return kind == ProbeKind::kReady ? std::optional(ProbeChange::kReady) : std::nullopt;
    case Turn::kFailed:
      return kind == ProbeKind::kReady ? ProbeChange::kUnready : ProbeChange::kDead;
  }
  return std::nullopt;
}
}  // namespace

struct HttpProber::Parts {
  os::Fd wake{::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)};
  Locked<std::vector<Mail>> inbox;
  Locked<std::map<std::string, std::deque<ProbeResult>>> evidence;
  Locked<std::function<void(const ProbeEvent&)>> on_event;
  std::map<std::string, std::vector<ProbeLane>> watched;  // the thread's own
  std::jthread thread;

  void post(Mail mail) {
    inbox.with([&](auto& mails) { mails.push_back(std::move(mail)); });
    ring();
  }
  void ring() {
    const std::uint64_t one = 1;
    // Full (EAGAIN) means it rings already.
    (void)!::write(wake.get(), &one, sizeof one);
  }
  void hear() {
    std::uint64_t rings = 0;
    (void)!::read(wake.get(), &rings, sizeof rings);  // EAGAIN: nobody rang
  }

  void take_mail() {
    for (auto& mail : inbox.with([](auto& mails) { return std::exchange(mails, {}); })) {
      watched.erase(mail.instance);
      if (mail.target) watched.emplace(mail.instance, lanes_of(*mail.target));
    }
  }

  void tell(const ProbeEvent& event) {
    const auto listener = on_event.with([](const auto& f) { return f; });
    if (listener) listener(event);
  }

  void keep(const std::string& instance, const ProbeLane& lane, ProbeNote note) {
    const auto change = change_of(lane.kind(), note.turn);
    const auto detail = detail_of(lane, note.result);
    evidence.with([&](auto& all) {
      // Forgotten meanwhile: its evidence went with it.
      if (const auto found = all.find(instance); found != all.end()) {
        add(found->second, std::move(note.result));
      }
    });
    if (change) tell({instance, *change, detail});
  }

  /// Runs every lane and returns when the next one wants to.
  Duration run_lanes() {
    Duration next = steady_now() + kIdle;
    for (auto& [instance, lanes] : watched) {
      for (auto& lane : lanes) {
        if (auto note = lane.run(steady_now())) keep(instance, lane, std::move(*note));
        next = std::min(next, lane.deadline());
      }
    }
    return next;
  }

  void poll_until(Duration next) {
    std::vector<pollfd> polled{{wake.get(), POLLIN, 0}};
    std::vector<ProbeExchange*> exchanges{nullptr};
    for (auto& [instance, lanes] : watched) {
      for (auto& lane : lanes) {
        if (lane.exchange() == nullptr) continue;
        polled.push_back({lane.exchange()->fd(), lane.exchange()->wants(), 0});
        exchanges.push_back(lane.exchange());
      }
    }
    const auto timeout = std::max(next - steady_now(), Duration::zero());
    ::poll(polled.data(), polled.size(), static_cast<int>(timeout.count()));
    if (polled[0].revents != 0) hear();
    for (std::size_t i = 1; i < polled.size(); ++i) {
      if (polled[i].revents != 0) exchanges[i]->advance();
    }
  }

  void run(const std::stop_token& stop) {
    while (!stop.stop_requested()) {
      take_mail();
      poll_until(run_lanes());
    }
  }
};

HttpProber::HttpProber() : parts_(std::make_unique<Parts>()) {
  if (!parts_->wake) {
    log_error("prober: {}", from_errno(errno, "eventfd").message);
    std::abort();  // at start, out of descriptors: nothing would ever become ready
  }
  parts_->thread = std::jthread([p = parts_.get()](const std::stop_token& stop) { p->run(stop); });
}

HttpProber::~HttpProber() {
  parts_->thread.request_stop();
  parts_->ring();
  parts_->thread.join();
}

void HttpProber::watch(const ProbeTarget& target) {
  parts_->evidence.with([&](auto& all) { all.try_emplace(target.instance); });
  parts_->post({target.instance, target});
}

void HttpProber::forget(const std::string& instance) {
  parts_->evidence.with([&](auto& all) { all.erase(instance); });
  parts_->post({instance, std::nullopt});
}

std::vector<ProbeResult> HttpProber::recent(const std::string& instance) {
  return parts_->evidence.with([&](const auto& all) {
    const auto found = all.find(instance);
    return found == all.end()
               ? std::vector<ProbeResult>()
               : std::vector<ProbeResult>(found->second.begin(), found->second.end());
  });
}

void HttpProber::subscribe(std::function<void(const ProbeEvent&)> on_event) {
  parts_->on_event.with([&](auto& f) { f = std::move(on_event); });
}

}  // namespace ecluse::observe
