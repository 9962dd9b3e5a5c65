#include "observe/probe_lane.h"

#include <fmt/format.h>

namespace ecluse::observe {

namespace {
/// A SYN sent before the instance's interface was up is lost, and the kernel repeats it only after
/// a second; while it boots we rather knock again.
constexpr Duration kBootConnectTimeout = std::chrono::milliseconds(250);

std::string host_of(const ports::ProbeTarget& target) {
  return target.host.empty() ? fmt::format("{}:{}", target.address, target.port) : target.host;
}

const std::optional<model::ProbeSpec>& spec_of(const ports::ProbeTarget& target, ProbeKind kind) {
  return kind == ProbeKind::kReady ? target.ready : target.live;
}

WallTime wall_now() {
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  return WallTime{std::chrono::duration_cast<Duration>(now).count()};
}
}  // namespace

ProbeLane::ProbeLane(const ports::ProbeTarget& target, ProbeKind kind, Duration now)
    : question_{target.address, target.port, {}},
      state_{.kind = kind},
      what_("connect"),
      watched_at_(now),
      next_(now) {
  const auto& spec = spec_of(target, kind);
  if (!spec) return;
  spec_ = *spec;
  question_.request = probe_request(spec->path, host_of(target));
  what_ = fmt::format("{} GET {}", kind == ProbeKind::kReady ? "ready" : "live", spec->path);
}

Duration ProbeLane::deadline() const {
  if (!exchange_) return next_;
  return noted_ ? std::min(next_, expires_at()) : expires_at();
}

Duration ProbeLane::expires_at() const {
  const bool booting = !state_.ever_passed && exchange_->connecting();
  return started_ + (booting ? std::min(kBootConnectTimeout, spec_.timeout) : spec_.timeout);
}

void ProbeLane::start(Duration now) {
  started_ = now;
  noted_ = false;
  exchange_ = std::make_unique<ProbeExchange>(question_);
}

std::optional<ProbeNote> ProbeLane::run(Duration now) {
  const bool under_way = exchange_ && !noted_;
  if (!under_way && now >= next_) start(now);
  if (!exchange_) return std::nullopt;
  if (now >= expires_at()) exchange_->expire(expires_at() - started_);
  std::optional<ProbeNote> noted;
  if (exchange_->outcome() && !noted_) noted = note(now);
  if (exchange_->finished()) exchange_.reset();
  return noted;
}

ProbeNote ProbeLane::note(Duration now) {
  const auto& outcome = *exchange_->outcome();
  const Turn turn = record(state_, spec_, outcome.ok, now - watched_at_);
  noted_ = true;
  next_ = now + pause_after(state_, spec_, now - watched_at_);
  return {{what_, outcome.ok, outcome.status, outcome.detail, wall_now()}, turn};
}

}  // namespace ecluse::observe
