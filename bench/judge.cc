// `./run bench judge`: how often the judge is wrong, and how soon it is right, by simulation.
//
// Each row plays RUNS rollouts of one kind of traffic, seeded, and holds a figure to its bar.
// Usage: judge [--runs N] [--json FILE]

#include "judge/judge.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <functional>
#include <nlohmann/json.hpp>
#include <span>
#include <string>
#include <vector>

#include "base/prng.h"
#include "judge/trace.h"

namespace {

using namespace ecluse;
using namespace ecluse::judge;
using nlohmann::json;

constexpr std::uint64_t kSeed = 20260101;
constexpr std::size_t kRequestsOfAnHour = 7'200;  // 2 requests/s

struct Traffic {
  double weight = 0.1;
  double canary = 0.01;  ///< error rates
  double stable = 0.01;
  std::size_t requests_max = kRequestsOfAnHour;
  double (*shape)(double) = [](double) {
    return 1.0;
  };  ///< of errors, over the run's time in [0, 1)
  int requests_per_client = 1;  ///< above 1: sticky clients, whose errors come together
};

double steady(double) {
  return 1;
}
double incident(double t) {
  return t > 0.3 && t < 0.5 ? 10 : 1;
}
double day_curve(double t) {
  return 1 + 0.8 * std::sin(2 * 3.14159265358979 * t);
}

Objectives objectives(const char* abort_when) {
  return *parse_objectives(fmt::format(R"({{"abort_when": [{}]}})", abort_when));
}
constexpr const char* kAll = R"("errors > 5%", "p95 > 2s", "crashes > 1%", "errors > 1x stable")";
constexpr const char* kRelativeOnly = R"("errors > 1x stable")";

/// Half of a clustered client's chance to err decides once for all its requests.
bool errs(double rate, bool clustered, bool broken_client, Prng& prng) {
  if (!clustered) return prng.chance(std::min(rate, 1.0));
  return broken_client || prng.chance(std::min(rate / 2, 1.0));
}

Verdict play(const Traffic& traffic, const Objectives& held_to, Prng& prng) {
  Judge judge(held_to);
  const bool clustered = traffic.requests_per_client > 1;
  std::uint64_t client = 0;
  bool canary = false;
  bool broken = false;
  for (std::size_t i = 0; i < traffic.requests_max; ++i) {
    const double t = static_cast<double>(i) / static_cast<double>(traffic.requests_max);
    if (i % static_cast<std::size_t>(traffic.requests_per_client) == 0) {
      client += 1;
      canary = prng.chance(traffic.weight);
      broken = prng.chance((canary ? traffic.canary : traffic.stable) * traffic.shape(t) / 2);
    }
    const double rate = (canary ? traffic.canary : traffic.stable) * traffic.shape(t);
    Request request{.arm = canary ? Arm::kCanary : Arm::kStable, .weight = traffic.weight};
    if (clustered) request.client = client;
    request.error = errs(rate, clustered, broken, prng);
    request.latency = Duration(80);
    if (auto verdict = judge.observe(request)) return *verdict;
  }
  return judge.so_far();
}

struct Row {
  std::string gate;
  std::string what;
  double value = 0;
  double bar = 0;
  bool holds() const { return value <= bar; }
};

double share_of(Ruling ruling, const Traffic& traffic, const Objectives& held_to, int runs) {
  Prng prng(kSeed);
  int count = 0;
  for (int run = 0; run < runs; ++run) count += play(traffic, held_to, prng).ruling == ruling;
  return static_cast<double>(count) / runs;
}

double median_until_rollback(const Traffic& traffic, int runs) {
  Prng prng(kSeed);
  const Objectives held_to = objectives(kAll);
  std::vector<double> counts;
  for (int run = 0; run < runs; ++run) {
    const Verdict verdict = play(traffic, held_to, prng);
    const bool found = verdict.ruling == Ruling::kRollback;
    counts.push_back(found ? static_cast<double>(verdict.canary.requests) : HUGE_VAL);
  }
  std::ranges::nth_element(counts, counts.begin() + runs / 2);
  return counts[static_cast<std::size_t>(runs / 2)];
}

void false_rollbacks(int runs, std::vector<Row>& rows) {
  struct Shape {
    const char* name;
    double (*shape)(double);
  };
  const Shape shapes[] = {
      {"steady", steady}, {"tenfold incident", incident}, {"day curve", day_curve}};
  for (const double errors : {0.0, 0.001, 0.01, 0.05}) {
    for (const auto& [name, shape] : shapes) {
      for (const int per_client : {1, 20}) {
        const Traffic equal{
            .canary = errors, .stable = errors, .shape = shape, .requests_per_client = per_client};
        rows.push_back({"G1",
                        fmt::format("false rollbacks, both arms {:g} %, {}, {}", 100 * errors, name,
                                    per_client == 1 ? "independent" : "clustered by client"),
                        share_of(Ruling::kRollback, equal, objectives(kRelativeOnly), runs), 0.01});
      }
    }
  }
  for (const double errors : {0.0, 0.01, 0.05}) {
    rows.push_back(
        {"G1", fmt::format("false rollbacks, both arms {:g} %, all objectives", 100 * errors),
         share_of(Ruling::kRollback, {.canary = errors, .stable = errors}, objectives(kAll), runs),
         0.01});
  }
}

void detections(int runs, std::vector<Row>& rows) {
  struct Case {
    double canary, bar;
  };
  for (const auto& [canary, bar] : {Case{1, 3}, Case{0.5, 7}, Case{0.1, 60}, Case{0.03, 500}}) {
    const Traffic bad{.canary = canary, .stable = 0.01, .requests_max = 60'000};
    rows.push_back({"G2",
                    fmt::format("median canary requests until rollback, 1 -> {:g} %", 100 * canary),
                    median_until_rollback(bad, runs), bar});
  }
}

void false_promotions(int runs, std::vector<Row>& rows) {
  for (const double errors : {0.005, 0.01, 0.03}) {
    const Traffic worse{.canary = 3 * errors, .stable = errors, .requests_max = 20'000};
    rows.push_back({"G5",
                    fmt::format("false promotions, {:g} -> {:g} %, no abort objective",
                                100 * errors, 300 * errors),
                    share_of(Ruling::kPromote, worse, objectives(""), runs), 0.05});
  }
}

void cost(std::vector<Row>& rows) {
  constexpr int kRequests = 2'000'000;
  Prng prng(kSeed);
  Judge judge(objectives(kAll));
  const std::clock_t begin = std::clock();
  for (int i = 0; i < kRequests; ++i) {
    judge.observe({.arm = prng.chance(0.1) ? Arm::kCanary : Arm::kStable,
                   .weight = 0.1,
                   .error = prng.chance(0.01),
                   .latency = Duration(80)});
  }
  const double cpu_s = static_cast<double>(std::clock() - begin) / CLOCKS_PER_SEC;
  rows.push_back({"G7", "CPU per request, ns", cpu_s * 1e9 / kRequests, 200});
}

void print(const std::vector<Row>& rows) {
  for (const Row& row : rows) {
    fmt::print("{:3} {:70} {:>10.4g}  bar {:>6g}  {}\n", row.gate, row.what, row.value, row.bar,
               row.holds() ? "holds" : "MISSED");
  }
}

void write_json(const std::string& path, const std::vector<Row>& rows, int runs) {
  json list = json::array();
  for (const Row& row : rows) {
    list.push_back({{"gate", row.gate},
                    {"what", row.what},
                    {"value", row.value},
                    {"bar", row.bar},
                    {"holds", row.holds()}});
  }
  std::ofstream(path) << json{{"runs", runs}, {"seed", kSeed}, {"rows", list}}.dump(2) << "\n";
}

struct Options {
  int runs = 2000;
  std::string json_file;
};

Options parse(std::span<char*> arguments) {
  Options options;
  for (std::size_t i = 1; i + 1 < arguments.size(); i += 2) {
    if (std::strcmp(arguments[i], "--runs") == 0)
      options.runs = std::max(1, std::atoi(arguments[i + 1]));
    if (std::strcmp(arguments[i], "--json") == 0) options.json_file = arguments[i + 1];
  }
  return options;
}

}  // namespace

int main(int argc, char** argv) {
  const Options options = parse({argv, static_cast<std::size_t>(argc)});
  std::vector<Row> rows;
  detections(options.runs, rows);
  false_promotions(options.runs, rows);
  false_rollbacks(options.runs, rows);
  cost(rows);
  print(rows);
  if (!options.json_file.empty()) write_json(options.json_file, rows, options.runs);
  return std::ranges::all_of(rows, &Row::holds) ? 0 : 1;
}
