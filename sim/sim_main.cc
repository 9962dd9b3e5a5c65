// ecluse-sim [--seeds N | --seed N] [--json FILE]: many lives of a machine, checked.

#include <fmt/format.h>
#include <sys/wait.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <chrono>
#include <cstdio>
#include <fstream>
#include <iostream>
#include <nlohmann/json.hpp>
#include <thread>

#include "sim/simulation.h"

namespace {
using ecluse::sim::Outcome;
using ecluse::sim::Trace;

constexpr int kRolloutsPerLife = 10;

using ecluse::sim::Trials;

struct Sum {
  Trials trials;
  std::uint64_t rollouts = 0;
  std::uint64_t crashes = 0;
  std::uint64_t steps = 0;
  std::uint64_t lives = 0;
  std::uint64_t failing_seed = 0;
  std::uint64_t failures = 0;
};

void add(Trials& to, const Trials& more) {
  to.good += more.good;
  to.good_rolled_back += more.good_rolled_back;
  to.bad += more.bad;
  to.bad_missed += more.bad_missed;
}

int show(std::uint64_t seed) {
  const auto once = ecluse::sim::simulate(seed, kRolloutsPerLife, Trace::kKeep);
  for (const auto& line : once.trace) std::cout << line << "\n";
  const auto again = ecluse::sim::simulate(seed, kRolloutsPerLife, Trace::kHash);
  fmt::print("seed {}: {} rollouts, {} crashes, trace {:016x}\n", seed, once.rollouts, once.crashes,
             once.trace_hash);
  for (const auto& violation : once.violations)
    fmt::print("violated: {}: {}\n", violation.invariant, violation.message);
  if (again.trace_hash != once.trace_hash)
    fmt::print("violated: 9 same seed, same trace: {:016x} the second time\n", again.trace_hash);
  return once.violations.empty() && again.trace_hash == once.trace_hash ? 0 : 1;
}

/// Lives until `rollouts` have ended or `failures_max` lives failed; seeds first, first + stride,
/// ...
Sum work(std::uint64_t first, std::uint64_t stride, std::uint64_t rollouts,
         std::uint64_t failures_max) {
  Sum sum;
  for (auto seed = first; sum.rollouts < rollouts; seed += stride) {
    const auto outcome = ecluse::sim::simulate(seed, kRolloutsPerLife, Trace::kHash);
    sum.rollouts += outcome.rollouts;
    sum.crashes += outcome.crashes;
    sum.steps += outcome.steps;
    add(sum.trials, outcome.trials);
    sum.lives += 1;
    bool failed = !outcome.violations.empty();
    // Every hundredth life is lived twice: the same seed must give the same trace.
    if (sum.lives % 100 == 1)
      failed = failed || ecluse::sim::simulate(seed, kRolloutsPerLife, Trace::kHash).trace_hash !=
                             outcome.trace_hash;
    if (!failed) continue;
    if (sum.failures++ == 0) sum.failing_seed = seed;
    if (!outcome.violations.empty())
      fmt::print("seed {}: {}: {}\n", seed, outcome.violations.front().invariant,
                 outcome.violations.front().message);
    if (sum.failures >= failures_max) break;
  }
  return sum;
}

Sum in_processes(std::uint64_t rollouts, unsigned workers, std::uint64_t failures_max) {
  std::vector<int> pipes;
  for (unsigned i = 0; i < workers; ++i) {
    int ends[2];
    if (pipe(ends) != 0) throw std::runtime_error("pipe");
    const pid_t child = fork();
    if (child < 0) throw std::runtime_error("fork");
    if (child == 0) {
      const auto sum = work(1 + i, workers, (rollouts + workers - 1) / workers, failures_max);
      std::fflush(stdout);
      const bool told = write(ends[1], &sum, sizeof sum) == sizeof sum;
      _exit(told ? 0 : 1);
    }
    close(ends[1]);
    pipes.push_back(ends[0]);
  }
  Sum total;
  for (const int end : pipes) {
    Sum sum;
    if (read(end, &sum, sizeof sum) != static_cast<ssize_t>(sizeof sum))
      throw std::runtime_error("a worker of the simulation died");
    close(end);
    total.rollouts += sum.rollouts;
    total.crashes += sum.crashes;
    total.steps += sum.steps;
    total.lives += sum.lives;
    total.failures += sum.failures;
    add(total.trials, sum.trials);
    if (total.failing_seed == 0) total.failing_seed = sum.failing_seed;
  }
  while (wait(nullptr) > 0) {
  }
  return total;
}
}  // namespace

int main(int argc, char** argv) {
  CLI::App app{"Simulated rollouts: the real control code on twins of every port, with faults"};
  std::uint64_t seeds = 1000;
  std::uint64_t seed = 0;
  unsigned workers = std::max(1U, std::thread::hardware_concurrency());
  std::uint64_t failures_max = 20;
  std::string json;
  app.add_option("--seeds", seeds, "how many rollouts to simulate");
  app.add_option("--seed", seed, "one life, with its trace");
  app.add_option("--workers", workers, "processes");
  app.add_option("--failures-max", failures_max, "a process stops after so many lives that failed");
  app.add_option("--json", json, "write the figures to this file");
  CLI11_PARSE(app, argc, argv);
  // A simulated disk fills up thousands of times; the trace tells it, the log need not.
  if (std::freopen("/dev/null", "w", stderr) == nullptr) return 1;
  if (seed != 0) return show(seed);
  const auto began = std::chrono::steady_clock::now();
  const auto sum = in_processes(seeds, workers, failures_max);
  const auto took = std::chrono::duration<double>(std::chrono::steady_clock::now() - began).count();
  fmt::print("{} rollouts in {} lives, {} crashes, {} steps, {:.1f} s, {} violations\n",
             sum.rollouts, sum.lives, sum.crashes, sum.steps, took, sum.failures);
  const auto& trials = sum.trials;
  fmt::print("the judge: {} of {} good releases rolled back, {} of {} bad ones missed\n",
             trials.good_rolled_back, trials.good, trials.bad_missed, trials.bad);
  if (!json.empty())
    std::ofstream(json) << nlohmann::json{{"rollouts", sum.rollouts},
                                          {"lives", sum.lives},
                                          {"crashes", sum.crashes},
                                          {"steps", sum.steps},
                                          {"seconds", took},
                                          {"violations", sum.failures},
                                          {"good_trials", trials.good},
                                          {"good_rolled_back", trials.good_rolled_back},
                                          {"bad_trials", trials.bad},
                                          {"bad_missed", trials.bad_missed}}
                               .dump()
                        << "\n";
  if (sum.failures == 0) return 0;
  return show(sum.failing_seed), 1;
}
