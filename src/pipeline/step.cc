#include "pipeline/step.h"

#include <fmt/format.h>

namespace ecluse::pipeline {

namespace {
using std::chrono::hours;
using std::chrono::minutes;
using std::chrono::seconds;

constexpr std::uint32_t kAttemptsMax = 5;
constexpr Duration kBuildMax = hours(1);
constexpr Duration kSlack = minutes(2);

class Machine {
 public:
  Machine(const State& state, TimePoint now) : s_(state), now_(now) {}

  void on(const Started&) {
    const bool exists = !s_.draft.artifact.digest.empty();
    if (exists && !s_.rebuild) return enter(Phase::kVerifying);
    if (exists)
      return enter(Phase::kBuilding);  // the commit's checks have passed where it was built
    next_check();
  }

  void on(const Ack& ack) {
    if (!s_.pending || s_.pending->id != ack.effect) return;
    if (ack.error) return failed(*ack.error);
    s_.pending.reset();
    done(ack);
  }

  void on(const Recovered&) {
    const bool not_begun = !s_.pending && s_.stages.empty();
    if (not_begun) return on(Started{});
    if (!s_.pending) return;
    s_.pending->again_at = now_ + patience(s_.pending->kind);
    out_.push_back(*s_.pending);
  }

  void on(const Tick&) {
    if (!s_.pending || s_.pending->again_at > now_) return;
    if (++s_.pending->attempt > kAttemptsMax) return fail("no answer came in time");
    s_.pending->again_at = now_ + patience(s_.pending->kind);
    out_.push_back(*s_.pending);
  }

  Step finish() && { return {std::move(s_), std::move(out_)}; }

 private:
  Duration patience(EffectKind kind) const {
    switch (kind) {
      case EffectKind::kCheck:
        return s_.draft.spec.checks.at(s_.step).timeout + kSlack;
      case EffectKind::kBuild:
        return kBuildMax;
      case EffectKind::kVerify:
      case EffectKind::kSeal:
        return seconds(30);
    }
    return kSlack;
  }

  void issue(EffectKind kind) {
    s_.pending = Effect{
        .id = s_.next_effect++, .kind = kind, .index = s_.step, .again_at = now_ + patience(kind)};
    out_.push_back(*s_.pending);
  }

  void open_stage(std::string name) {
    s_.stages.push_back({.name = std::move(name), .began = now_});
  }
  void close_stage() {
    if (!s_.stages.empty() && !s_.stages.back().ended) s_.stages.back().ended = now_;
  }

  void enter(Phase phase) {
    close_stage();
    s_.phase = phase;
    switch (phase) {
      case Phase::kVerifying:
        open_stage("artifact");
        return issue(EffectKind::kVerify);
      case Phase::kChecking:
        open_stage(fmt::format("check {}", s_.draft.spec.checks.at(s_.step).run));
        return issue(EffectKind::kCheck);
      case Phase::kBuilding:
        open_stage("build");
        return issue(EffectKind::kBuild);
      case Phase::kSealing:
        open_stage("release");
        return issue(EffectKind::kSeal);
      case Phase::kDone:
      case Phase::kFailed:
        return;
    }
  }

  void next_check() {
    const auto& checks = s_.draft.spec.checks;
    if (!s_.skip_checks_reason.empty()) {
      for (const auto& check : checks)
        s_.stages.push_back({.name = fmt::format("check {}", check.run),
                             .began = now_,
                             .ended = now_,
                             .skipped = true,
                             .detail = s_.skip_checks_reason});
      return enter(Phase::kBuilding);
    }
    enter(s_.step < checks.size() ? Phase::kChecking : Phase::kBuilding);
  }

  void done(const Ack& ack) {
    switch (s_.phase) {
      case Phase::kVerifying:
        s_.stages.back().detail = fmt::format("the very artifact {}", s_.draft.artifact.digest);
        return enter(Phase::kSealing);
      case Phase::kChecking:
        return check_done(ack);
      case Phase::kBuilding:
        s_.draft.artifact = ack.artifact;
        s_.stages.back().detail = ack.artifact.digest;
        return enter(Phase::kSealing);
      case Phase::kSealing:
        if (!s_.keep_secrets) s_.draft.secret_versions = ack.secret_versions;
        return enter(Phase::kDone);
      case Phase::kDone:
      case Phase::kFailed:
        return;
    }
  }

  void check_done(const Ack& ack) {
    const auto& check = s_.draft.spec.checks.at(s_.step);
    if (ack.exit_code != 0)
      return fail(fmt::format("check `{}` ended with exit code {}", check.run, ack.exit_code),
                  ack.last_lines);
    if (check.coverage_min && !ack.coverage)
      return fail(fmt::format("check `{}` must report its coverage and did not", check.run),
                  ack.last_lines);
    if (check.coverage_min && *ack.coverage < *check.coverage_min)
      return fail(fmt::format("check `{}`: coverage is {:.1f}%, at least {:.1f}% is asked for",
                              check.run, *ack.coverage * 100, *check.coverage_min * 100));
    if (ack.coverage)
      s_.stages.back().detail = fmt::format("coverage {:.1f}%", *ack.coverage * 100);
    s_.step += 1;
    next_check();
  }

  void failed(const Error& error) {
    const bool may_pass =
        error.kind == ErrorKind::kUnavailable || error.kind == ErrorKind::kConflict;
    if (may_pass && s_.pending->attempt < kAttemptsMax) {
      s_.pending->attempt += 1;
      s_.pending->again_at = now_ + seconds(1) * (1 << s_.pending->attempt);
      s_.stages.back().detail = error.message;
      return;
    }
    fail(error.hint.empty() ? error.message : fmt::format("{} ({})", error.message, error.hint));
  }

  void fail(std::string reason, std::string detail = {}) {
    s_.pending.reset();
    close_stage();
    if (!s_.stages.empty()) {
      s_.stages.back().failed = true;
      if (!detail.empty()) s_.stages.back().detail = std::move(detail);
    }
    s_.reason = std::move(reason);
    s_.phase = Phase::kFailed;
  }

  State s_;
  TimePoint now_;
  std::vector<Effect> out_;
};
}  // namespace

Step step(const State& state, const Event& event, TimePoint now) {
  Machine machine(state, now);
  std::visit([&](const auto& what) { machine.on(what); }, event);
  return std::move(machine).finish();
}

std::optional<TimePoint> deadline(const State& state) {
  if (!state.pending) return std::nullopt;
  return state.pending->again_at;
}

}  // namespace ecluse::pipeline
