#include "judge/gates.h"

#include <fmt/format.h>

#include <algorithm>
#include <ctime>

#include "judge/peers.h"
#include "judge/traffic.h"

namespace ecluse::bench {

namespace {
using judge::Arm;
using judge::Objectives;
using judge::Ruling;
using judge::Verdict;

constexpr double kAlpha = 0.01;
constexpr double kBeta = 0.05;

double share_of(Ruling ruling, const Traffic& traffic, const Objectives& held_to,
                std::uint64_t seed, int runs) {
  Prng prng(seed);
  int count = 0;
  for (int run = 0; run < runs; ++run) count += play(traffic, held_to, prng).ruling == ruling;
  return static_cast<double>(count) / runs;
}

struct Until {
  double median = 0, mean = 0;
};
/// Canary requests until rollback. A run that is promoted or ends first never comes to one: it
/// counts as endless in the median, and not at all in the mean.
Until until_rollback(const Traffic& traffic, const Objectives& held_to, std::uint64_t seed,
                     int runs) {
  Prng prng(seed);
  std::vector<double> counts;
  double sum = 0, found = 0;
  for (int run = 0; run < runs; ++run) {
    const Verdict verdict = play(traffic, held_to, prng);
    const bool rolled_back = verdict.ruling == Ruling::kRollback;
    counts.push_back(rolled_back ? static_cast<double>(verdict.canary.requests) : HUGE_VAL);
    if (!rolled_back) continue;
    sum += counts.back();
    found += 1;
  }
  std::ranges::sort(counts);
  return {counts[counts.size() / 2], found > 0 ? sum / found : HUGE_VAL};
}

std::string percent(double share) {
  return fmt::format("{:g} %", 100 * share);
}

std::string_view name_of(Shape shape) {
  switch (shape) {
    case Shape::kSteady:
      return "steady";
    case Shape::kIncident:
      return "tenfold incident";
    case Shape::kDayCurve:
      return "day curve";
  }
  return "";
}

std::string_view name_of(Pace pace) {
  switch (pace) {
    case Pace::kAtOnce:
      return "errors as fast";
    case Pace::kErrorsFaster:
      return "errors faster";
    case Pace::kErrorsSlower:
      return "errors slower";
  }
  return "";
}

double log_ratio(double p, double q) {
  return p == 0 ? 0 : p * std::log(p / q);
}
/// Kullback-Leibler divergence between two coins.
double divergence(double p, double q) {
  return log_ratio(p, q) + log_ratio(1 - p, 1 - q);
}
/// Wald's bound on the mean of any test that knows both rates beforehand.
double wald(double p, double q) {
  return std::log(1 / kAlpha) / divergence(p, q);
}
/// The same for a test that compares: in canary requests, though it is errors that tell.
double wald_comparing(double weight, double stable, double canary) {
  const double on_canary = weight * canary;
  const double on_stable = (1 - weight) * stable;
  const double errors_per_canary_request = (on_canary + on_stable) / weight;
  return wald(on_canary / (on_canary + on_stable), weight) / errors_per_canary_request;
}

/// Nothing is promoted, so that a run goes on to its end.
Objectives never_promoting() {
  Objectives held_to = usual_objectives();
  held_to.beta = 1e-305;  // beyond EProcess::kWealthMax
  return held_to;
}

Cell false_rollback(const Traffic& traffic) {
  return [traffic](std::uint64_t seed, int runs) {
    return Row{
        "G1",
        fmt::format("{} errors, {:g}/s, weight {}, {}, {}, {}", percent(traffic.stable_errors),
                    traffic.per_second, percent(traffic.weight), name_of(traffic.shape),
                    traffic.users == Users::kClustered ? "clustered" : "independent",
                    name_of(traffic.pace)),
        share_of(Ruling::kRollback, traffic, never_promoting(), seed, runs),
        kAlpha,
        {}};
  };
}

/// The bar holds where a test that knows both rates beforehand would need clearly less: at large
/// weights little stable traffic is left to compare with, and Wald's bound comes close to the bar
/// or passes it. There is a figure then, beside the bound, and no bar.
Cell detection(double weight, double canary, double bar) {
  constexpr double kRoom = 1.2;
  constexpr double kLimit = 0.05;
  return [=](std::uint64_t seed, int runs) {
    const double comparing = wald_comparing(weight, 0.01, canary);
    const double bound = canary > kLimit ? std::min(comparing, wald(canary, kLimit)) : comparing;
    const bool reachable = bound * kRoom <= bar;
    const Traffic traffic{.weight = weight,
                          .canary_errors = canary,
                          .stable_errors = 0.01,
                          .per_second = 10,
                          .seconds = 1e9,
                          .requests_max = static_cast<std::uint64_t>(4'000 / weight)};
    const Until until = until_rollback(traffic, usual_objectives(), seed, runs);
    return Row{
        "G2",
        fmt::format("canary requests until rollback, 1 -> {}, weight {}", percent(canary),
                    percent(weight)),
        until.median, reachable ? bar : NAN,
        fmt::format("mean {:.1f}, Wald's bound on it {:.1f}{}", until.mean, bound,
                    reachable ? "" : fmt::format("; G2's bar of {:g} is out of reach", bar))};
  };
}

/// Latency of a log-normal shape with its p95 at 1 s, then at 3 s.
double slower_than_2s(double sigma, double p95_s) {
  constexpr double kZ95 = 1.6448536269514722;
  const double z = (std::log(2.0) - std::log(p95_s)) / sigma + kZ95;
  return std::erfc(z / std::sqrt(2.0)) / 2;
}

Cell slow_release(double sigma, double bar) {
  return [=](std::uint64_t seed, int runs) {
    const double slow = slower_than_2s(sigma, 3);
    const Traffic traffic{
        .per_second = 10, .seconds = 1e9, .requests_max = 60'000, .canary_slow = slow};
    const Until until = until_rollback(traffic, usual_objectives(), seed, runs);
    return Row{"G3",
               fmt::format("canary requests until rollback, p95 1 -> 3 s, log-normal {:g}: {:.1f} "
                           "% over 2 s",
                           sigma, 100 * slow),
               until.median, bar,
               fmt::format("mean {:.1f}, Wald's bound {:.1f}", until.mean, wald(slow, 0.05))};
  };
}

Cell no_traffic(std::string what, Traffic traffic) {
  return [what = std::move(what), traffic](std::uint64_t seed, int runs) {
    const double decided =
        1 - share_of(Ruling::kInconclusive, traffic, usual_objectives(), seed, runs);
    return Row{"G4", fmt::format("share decided either way, {}", what), decided, 0, {}};
  };
}

Cell false_promotion(const Traffic& traffic, bool armed) {
  return [=](std::uint64_t seed, int runs) {
    const Objectives held_to = armed ? usual_objectives() : Objectives{};
    return Row{
        "G5",
        fmt::format("false promotions, {} -> {}, weight {}, {}{}", percent(traffic.stable_errors),
                    percent(traffic.canary_errors), percent(traffic.weight),
                    traffic.users == Users::kClustered ? "clustered" : "independent",
                    armed ? "" : ", nothing rolls back"),
        share_of(Ruling::kPromote, traffic, held_to, seed, runs),
        kBeta,
        {}};
  };
}

/// Errors per minute on either arm, spread evenly; as many requests on each.
Verdict replay(const std::vector<int>& canary, const std::vector<int>& stable, int per_minute) {
  judge::Judge judge(usual_objectives());
  for (std::size_t minute = 0; minute < canary.size(); ++minute) {
    for (int i = 0; i < per_minute; ++i) {
      for (const auto& [arm, errors] :
           {std::pair{Arm::kStable, stable[minute]}, std::pair{Arm::kCanary, canary[minute]}}) {
        const bool error = (i + 1) * errors / per_minute != i * errors / per_minute;
        if (auto verdict = judge.observe({.arm = arm,
                                          .weight = 0.5,
                                          .client = {},
                                          .error = error,
                                          .latency = Duration(80)})) {
          return *verdict;
        }
      }
    }
  }
  return judge.so_far();
}

Cell misjudgement(std::string what, std::vector<int> canary, std::vector<int> stable,
                  std::vector<Ruling> right) {
  return [=](std::uint64_t, int) {
    const Verdict verdict = replay(canary, stable, 60);
    const bool wrong = std::ranges::find(right, verdict.ruling) == right.end();
    return Row{"G6", what, wrong ? 1.0 : 0.0, 0,
               fmt::format("{} after {} canary requests", judge::to_string(verdict.ruling),
                           verdict.canary.requests)};
  };
}

/// Goes on for ever, so that its cost is that of a judge at work.
Objectives never_ruling() {
  Objectives held_to = never_promoting();
  held_to.alpha = 1e-305;
  return held_to;
}

/// Thread time, so that another cell's work is not counted.
double thread_ns() {
  timespec now{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) * 1e9 + static_cast<double>(now.tv_nsec);
}

std::vector<judge::Request> made_beforehand(const Traffic& traffic, Prng& prng) {
  std::vector<judge::Request> requests;
  Source source(traffic, prng);
  while (!source.over()) requests.push_back(source.next());
  return requests;
}

Row cost_row(std::string_view what, double ns, std::size_t requests) {
  return {"G7",
          fmt::format("CPU per request, ns, {}", what),
          ns / static_cast<double>(requests),
          200,
          {}};
}

Cell cost(std::string what, double weight, Users users) {
  return [=](std::uint64_t seed, int) {
    Prng prng(seed);
    const Traffic traffic{.weight = weight,
                          .per_second = 500,
                          .seconds = 1e9,
                          .requests_max = 1'000'000,
                          .users = users};
    const auto requests = made_beforehand(traffic, prng);
    judge::Judge judge(never_ruling());
    const double begin = thread_ns();
    for (const judge::Request& request : requests) judge.observe(request);
    return cost_row(what, thread_ns() - begin, requests.size());
  };
}

/// Told of each request twice, at its arrival and 1.5 s later; ruling after every batch of 50.
Row live_cost(std::uint64_t seed, int) {
  constexpr std::uint64_t kOpen = 750;
  Prng prng(seed);
  const auto requests =
      made_beforehand({.per_second = 500, .seconds = 1e9, .requests_max = 1'000'000}, prng);
  const auto case_of = [&](std::uint64_t i, judge::Standing standing) {
    return judge::Case{.number = i + 1,
                       .arm = requests[i].arm,
                       .weight = 0.1,
                       .client = {},
                       .standing = standing,
                       .arrived_ms = 2 * i,
                       .latency = Duration(80)};
  };
  judge::Docket docket(never_ruling());
  const double begin = thread_ns();
  for (std::uint64_t i = 0; i < requests.size(); ++i) {
    docket.tell(case_of(i, judge::Standing::kOpen));
    if (i < kOpen) continue;
    const bool error = requests[i - kOpen].error;
    docket.tell(case_of(i - kOpen, error ? judge::Standing::kError : judge::Standing::kOk));
    if (i % 50 == 0) docket.rule(2 * i);
  }
  return cost_row("live, 750 open at a time", thread_ns() - begin, requests.size());
}

/// Bytes the judge holds more after 4 million clients than after one.
Row memory_growth(std::uint64_t seed, int) {
  constexpr std::uint64_t kMillion = 1'000'000;
  Prng prng(seed);
  judge::Judge judge(never_promoting());
  std::uint64_t client = 0;
  const auto held_after = [&](std::uint64_t clients) {
    while (client < clients) {
      judge.observe({.arm = prng.chance(0.1) ? Arm::kCanary : Arm::kStable,
                     .weight = 0.1,
                     .client = client++,
                     .error = prng.chance(0.01),
                     .latency = Duration(80)});
    }
    return to_text(judge).size();
  };
  const auto one = held_after(kMillion);
  const auto four = held_after(4 * kMillion);
  const auto bound = 12 * judge::Clients::kSeenMax + 20 * judge::Clients::kErringMax +
                     12 * judge::Clients::kSeenMax;
  return {"G7", "bytes of stored state after 4 million clients, 1 % of them erring",
          static_cast<double>(four), static_cast<double>(bound),
          fmt::format("{} after one million", one)};
}

Cell share_optimum(double limit, double rate) {
  return [=](std::uint64_t seed, int runs) {
    const Traffic traffic{.weight = 1,
                          .canary_errors = rate,
                          .per_second = 10,
                          .seconds = 1e9,
                          .requests_max = 200'000};
    const double bound = wald(rate, limit);
    const Until until = until_rollback(
        traffic, objectives({fmt::format("errors > {:g}%", 100 * limit)}), seed, runs);
    return Row{"G8",
               fmt::format("requests against Wald's bound, errors > {}, in truth {}",
                           percent(limit), percent(rate)),
               until.mean / bound, bound >= 10 ? 1.7 : NAN,
               fmt::format("mean {:.0f}, bound {:.0f}", until.mean, bound)};
  };
}

Cell ratio_optimum(double weight, double times) {
  return [=](std::uint64_t seed, int runs) {
    const Traffic traffic{.weight = weight,
                          .canary_errors = 0.01 * times,
                          .stable_errors = 0.01,
                          .per_second = 10,
                          .seconds = 1e9,
                          .requests_max = static_cast<std::uint64_t>(12'000 / weight)};
    const double bound = wald_comparing(weight, 0.01, 0.01 * times);
    Objectives held_to = objectives({"errors > 1x stable"});
    held_to.beta = 1e-305;
    const Until until = until_rollback(traffic, held_to, seed, runs);
    return Row{"G8",
               fmt::format("requests against Wald's bound, errors > 1x stable, in truth {:g}x, "
                           "weight {}",
                           times, percent(weight)),
               until.mean / bound, bound >= 10 ? 1.7 : NAN,
               fmt::format("mean {:.0f}, bound {:.0f}", until.mean, bound)};
  };
}

Cell peer_row(Peer peer, const Traffic& traffic, std::string what) {
  return [=](std::uint64_t seed, int runs) {
    Prng prng(seed);
    std::vector<double> counts;
    double found = 0;
    for (int run = 0; run < runs; ++run) {
      const auto after = rolled_back_after(peer, slices_of(traffic, prng));
      counts.push_back(after ? static_cast<double>(*after) : HUGE_VAL);
      found += after ? 1 : 0;
    }
    std::ranges::sort(counts);
    const double median = counts[counts.size() / 2];
    return Row{"peer", fmt::format("{}: rolled back, {}", name_of(peer), what), found / runs, NAN,
               std::isinf(median) ? "median: never within the hour"
                                  : fmt::format("median {:.0f} canary requests", median)};
  };
}

Cell our_row(const Traffic& traffic, std::string what) {
  return [=](std::uint64_t seed, int runs) {
    const Objectives held_to = never_promoting();
    const double share = share_of(Ruling::kRollback, traffic, held_to, seed, runs);
    const Until until = until_rollback(traffic, held_to, seed, runs);
    return Row{"peer", fmt::format("ecluse: rolled back, {}", what), share, NAN,
               std::isinf(until.median)
                   ? "median: never within the hour"
                   : fmt::format("median {:.0f} canary requests", until.median)};
  };
}
}  // namespace

std::vector<Cell> false_rollbacks() {
  std::vector<Cell> cells;
  for (const double errors : {0.0, 0.001, 0.01, 0.05})
    for (const double per_second : {0.1, 0.5, 2.0, 10.0, 50.0})
      for (const Shape shape : {Shape::kSteady, Shape::kIncident, Shape::kDayCurve})
        for (const Users users : {Users::kAnonymous, Users::kClustered})
          for (const Pace pace : {Pace::kErrorsFaster, Pace::kErrorsSlower})
            cells.push_back(false_rollback({.canary_errors = errors,
                                            .stable_errors = errors,
                                            .per_second = per_second,
                                            .shape = shape,
                                            .pace = pace,
                                            .users = users}));
  // Beyond the grid: other weights, and a horizon of a day.
  for (const double weight : {0.01, 0.05, 0.2, 0.5})
    for (const Shape shape : {Shape::kSteady, Shape::kIncident})
      cells.push_back(false_rollback(
          {.weight = weight, .per_second = 10, .requests_max = 36'000, .shape = shape}));
  cells.push_back(false_rollback({.seconds = 86'400, .requests_max = 172'800}));
  return cells;
}

std::vector<Cell> detections() {
  struct Bar {
    double canary, requests;
  };
  std::vector<Cell> cells;
  for (const double weight : {0.01, 0.05, 0.1, 0.2, 0.5}) {
    for (const auto& [canary, requests] : {Bar{1, 3}, Bar{0.5, 7}, Bar{0.1, 60}, Bar{0.03, 500}}) {
      cells.push_back(detection(weight, canary, requests));
    }
  }
  return cells;
}

std::vector<Cell> slow_releases() {
  return {slow_release(0.3, 60), slow_release(0.5, 60), slow_release(0.7, NAN),
          slow_release(1.0, NAN)};
}

std::vector<Cell> without_traffic() {
  return {no_traffic("no request at all", {.requests_max = 0}),
          no_traffic("stable requests alone", {.weight = 0, .stable_errors = 0.05}),
          no_traffic("ten requests an hour",
                     {.canary_errors = 0, .stable_errors = 0.01, .per_second = 10.0 / 3600}),
          no_traffic("nobody ever errs",
                     {.canary_errors = 0, .stable_errors = 0, .requests_max = 12'000})};
}

std::vector<Cell> false_promotions() {
  std::vector<Cell> cells;
  for (const bool armed : {false, true})
    for (const double weight : {0.01, 0.1, 0.5})
      for (const double errors : {0.005, 0.01, 0.03, 0.1})
        cells.push_back(false_promotion({.weight = weight,
                                         .canary_errors = 3 * errors,
                                         .stable_errors = errors,
                                         .per_second = 10,
                                         .seconds = 1e9,
                                         .requests_max = 20'000},
                                        armed));
  for (const double errors : {0.01, 0.05})
    cells.push_back(false_promotion({.canary_errors = 3 * errors,
                                     .stable_errors = errors,
                                     .per_second = 10,
                                     .seconds = 1e9,
                                     .requests_max = 40'000,
                                     .users = Users::kClustered},
                                    false));
  return cells;
}

std::vector<Cell> misjudgements() {
  const std::vector<int> zeros(10, 0);
  return {misjudgement("7 of 10 minutes at a hundred times stable's errors",
                       {50, 50, 0, 50, 50, 0, 50, 50, 0, 50}, {0, 1, 0, 0, 1, 0, 0, 1, 0, 1},
                       {Ruling::kRollback}),
          misjudgement("errors 0, 1, 2, 1, 0, 0 against zeros", {0, 1, 2, 1, 0, 0}, zeros,
                       {Ruling::kRollback, Ruling::kInconclusive}),
          misjudgement("zeros against errors 0, 1, 2, 1, 0, 0", {0, 0, 0, 0, 0, 0},
                       {0, 1, 2, 1, 0, 0}, {Ruling::kPromote, Ruling::kInconclusive}),
          misjudgement("one error in ten minutes", {0, 0, 0, 1, 0, 0, 0, 0, 0, 0}, zeros,
                       {Ruling::kInconclusive})};
}

std::vector<Cell> costs() {
  return {cost("weight 10 %", 0.1, Users::kAnonymous), cost("weight 50 %", 0.5, Users::kAnonymous),
          cost("weight 10 %, clients of 20 requests", 0.1, Users::kClustered), live_cost,
          memory_growth};
}

std::vector<Cell> optima() {
  std::vector<Cell> cells;
  for (const double rate : {0.06, 0.07, 0.08, 0.1, 0.15, 0.2, 0.3, 0.5})
    cells.push_back(share_optimum(0.05, rate));
  for (const double rate : {0.015, 0.02, 0.03, 0.05, 0.1, 0.2})
    cells.push_back(share_optimum(0.01, rate));
  for (const double weight : {0.05, 0.1, 0.5})
    for (const double times : {2.0, 3.0, 5.0, 10.0}) cells.push_back(ratio_optimum(weight, times));
  return cells;
}

std::vector<Cell> peers() {
  struct Kind {
    Traffic traffic;
    std::string_view what;
  };
  const Kind kinds[] = {
      {{}, "equal arms, 1 %"},
      {{.shape = Shape::kIncident}, "equal arms, 1 %, tenfold incident"},
      {{.shape = Shape::kDayCurve}, "equal arms, 1 %, day curve"},
      {{.canary_errors = 0.5}, "1 -> 50 %"},
      {{.canary_errors = 0.1}, "1 -> 10 %"},
      {{.canary_errors = 0.03}, "1 -> 3 %"},
  };
  std::vector<Cell> cells;
  for (const auto& [traffic, what] : kinds) {
    cells.push_back(our_row(traffic, std::string(what)));
    for (const Peer peer : kPeers) cells.push_back(peer_row(peer, traffic, std::string(what)));
  }
  return cells;
}

}  // namespace ecluse::bench
