#include "judge/traffic.h"

#include <algorithm>
#include <cmath>
#include <deque>
#include <numbers>

namespace ecluse::bench {

namespace {
using judge::Arm;
constexpr std::uint64_t kRequestsPerClient = 20;
/// The control plane asks for a ruling at once when the canary erred, else now and then.
constexpr std::uint64_t kRuleEvery = 64;

double times_usual(Shape shape, double t) {
  switch (shape) {
    case Shape::kSteady:
      return 1;
    case Shape::kIncident:
      return t > 0.3 && t < 0.5 ? 10 : 1;
    case Shape::kDayCurve:
      return 1 + 0.8 * std::sin(2 * std::numbers::pi * t);
  }
  return 1;
}

struct Delays {
  std::uint64_t error_ms = 0, answer_ms = 0;
};
Delays delays_of(Pace pace) {
  switch (pace) {
    case Pace::kAtOnce:
      return {};
    case Pace::kErrorsFaster:
      return {5, 1500};
    case Pace::kErrorsSlower:
      return {1900, 20};
  }
  return {};
}

/// One live run: requests end in another order than they came.
class Live {
 public:
  Live(const Traffic& traffic, const judge::Objectives& objectives, Prng& prng)
      : source_(traffic, prng), docket_(objectives), delays_(delays_of(traffic.pace)) {}

  judge::Verdict play() {
    while (!source_.over()) {
      const judge::Request request = source_.next();
      const auto now_ms = static_cast<std::uint64_t>(source_.seconds() * 1000) + 1;
      if (ended_until(now_ms)) return *made_;
      arrive(request, now_ms);
      if (source_.number() % kRuleEvery == 0 && rule(now_ms)) return *made_;
    }
    if (ended_until(UINT64_MAX)) return *made_;
    return docket_.so_far(UINT64_MAX / 2);
  }

 private:
  void arrive(const judge::Request& request, std::uint64_t now_ms) {
    judge::Case told{.number = source_.number(),
                     .arm = request.arm,
                     .weight = request.weight,
                     .client = request.client,
                     .standing = judge::Standing::kOpen,
                     .arrived_ms = now_ms};
    docket_.tell(told);
    const std::uint64_t takes = request.error ? delays_.error_ms : delays_.answer_ms;
    told.standing = request.error ? judge::Standing::kError : judge::Standing::kOk;
    told.latency = Duration(static_cast<std::int64_t>(takes));
    (request.error ? errors_ : answers_).push_back(told);
  }

  /// Tells of the ends up to `now_ms`, the earliest first.
  bool ended_until(std::uint64_t now_ms) {
    for (;;) {
      const bool error_first =
          !errors_.empty() && (answers_.empty() || end_of(errors_) <= end_of(answers_));
      auto& ends = error_first ? errors_ : answers_;
      if (ends.empty() || end_of(ends) > now_ms) return false;
      const std::uint64_t at_ms = end_of(ends);
      docket_.tell(ends.front());
      const bool telling = error_first && ends.front().arm == Arm::kCanary;
      ends.pop_front();
      if (telling && rule(at_ms)) return true;
    }
  }

  bool rule(std::uint64_t now_ms) {
    made_ = docket_.rule(now_ms);
    return made_.has_value();
  }
  static std::uint64_t end_of(const std::deque<judge::Case>& ends) {
    return ends.front().arrived_ms + static_cast<std::uint64_t>(ends.front().latency.count());
  }

  Source source_;
  judge::Docket docket_;
  Delays delays_;
  std::deque<judge::Case> errors_;
  std::deque<judge::Case> answers_;
  std::optional<judge::Verdict> made_;
};
}  // namespace

std::uint64_t Traffic::requests() const {
  return std::min(requests_max, static_cast<std::uint64_t>(per_second * seconds));
}

Source::Source(const Traffic& traffic, Prng& prng)
    : traffic_(traffic), prng_(prng), all_(traffic.requests()) {}

double Source::error_rate(Arm arm) const {
  const double t = static_cast<double>(sent_) / static_cast<double>(all_);
  const double rate = arm == Arm::kCanary ? traffic_.canary_errors : traffic_.stable_errors;
  return std::min(1.0, rate * times_usual(traffic_.shape, t));
}

void Source::next_client() {
  client_ += 1;
  client_arm_ = prng_.chance(traffic_.weight) ? Arm::kCanary : Arm::kStable;
  client_is_broken_ = prng_.chance(error_rate(client_arm_) / 2);
}

judge::Request Source::next() {
  judge::Request request{.arm = Arm::kStable, .weight = traffic_.weight, .client = {}};
  if (traffic_.users == Users::kClustered) {
    if (sent_ % kRequestsPerClient == 0) next_client();
    request.arm = client_arm_;
    request.client = client_;
    request.error = client_is_broken_ || prng_.chance(error_rate(request.arm) / 2);
  } else {
    request.arm = prng_.chance(traffic_.weight) ? Arm::kCanary : Arm::kStable;
    request.error = prng_.chance(error_rate(request.arm));
  }
  const bool slow =
      request.arm == Arm::kCanary && traffic_.canary_slow > 0 && prng_.chance(traffic_.canary_slow);
  request.latency = Duration(slow ? 3000 : 80);
  sent_ += 1;
  return request;
}

judge::Verdict play(const Traffic& traffic, const judge::Objectives& objectives, Prng& prng) {
  if (traffic.pace != Pace::kAtOnce) return Live(traffic, objectives, prng).play();
  judge::Judge judge(objectives);
  Source source(traffic, prng);
  while (!source.over()) {
    if (auto verdict = judge.observe(source.next())) return *verdict;
  }
  return judge.so_far();
}

judge::Objectives objectives(const std::vector<std::string>& abort_when) {
  return {.abort_when = *judge::objectives_of(abort_when)};
}

judge::Objectives usual_objectives() {
  return objectives({"errors > 5%", "p95 > 2s", "crashes > 1%", "errors > 1x stable"});
}

}  // namespace ecluse::bench
