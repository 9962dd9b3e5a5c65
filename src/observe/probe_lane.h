#pragma once
// One probe of one instance over time: its thresholds, its attempt under way, its next moment.

#include <memory>
#include <optional>
#include <string>

#include "observe/probe_exchange.h"
#include "observe/probe_state.h"
#include "ports/prober.h"

namespace ecluse::observe {

/// What an attempt came to: kept as evidence, and perhaps a turn.
struct ProbeNote {
  ports::ProbeResult result;
  Turn turn = Turn::kNone;
};

/// Times are milliseconds of a steady clock. Belongs to the prober's thread.
class ProbeLane {
 public:
  ProbeLane(const ports::ProbeTarget& target, ProbeKind kind, Duration now);

  ProbeKind kind() const { return state_.kind; }
  const std::string& what() const { return what_; }
  int failures() const { return state_.failures; }
  /// The attempt to poll, or null between attempts.
  ProbeExchange* exchange() { return exchange_.get(); }
  /// When run() has something to do without any socket being ready.
  Duration deadline() const;
  /// Starts what is due, ends what is overdue, and tells of an attempt that was decided.
  std::optional<ProbeNote> run(Duration now);

 private:
  void start(Duration now);
  Duration expires_at() const;
  ProbeNote note(Duration now);

  ProbeQuestion question_;
  model::ProbeSpec spec_;
  ProbeState state_;
  std::string what_;
  Duration watched_at_;
  Duration next_;
  Duration started_{};
  bool noted_ = false;
  std::unique_ptr<ProbeExchange> exchange_;
};

}  // namespace ecluse::observe
