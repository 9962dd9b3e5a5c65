// ecluse-sim [--seeds N [--first SEED] | --seed N] [--json FILE]: many lives of a machine, checked.

#include <fmt/format.h>
#include <poll.h>
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

struct Share {
  std::uint64_t first = 1;
  std::uint64_t stride = 1;
  std::uint64_t rollouts = 0;
  std::uint64_t failures_max = 0;
};

void tell(int parent, const Sum& sum) {
  if (write(parent, &sum, sizeof sum) != sizeof sum) _exit(1);  // the parent is gone
}

/// Lives until the share's rollouts have ended or too many lives failed; seeds first, first +
/// stride, ... A life that failed is printed at once.
Sum work(const Share& share, int parent) {
  constexpr std::uint64_t kTellEvery = 200;  // lives: a few seconds
  Sum sum;
  for (auto seed = share.first; sum.rollouts < share.rollouts; seed += share.stride) {
    if (sum.lives % kTellEvery == 0) tell(parent, sum);
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
    std::fflush(stdout);
    if (sum.failures >= share.failures_max) break;
  }
  return sum;
}

Sum total_of(const std::vector<Sum>& sums) {
  Sum total;
  for (const auto& sum : sums) {
    total.rollouts += sum.rollouts;
    total.crashes += sum.crashes;
    total.steps += sum.steps;
    total.lives += sum.lives;
    total.failures += sum.failures;
    add(total.trials, sum.trials);
    if (total.failing_seed == 0) total.failing_seed = sum.failing_seed;
  }
  return total;
}

/// What the workers said last, each over its pipe, until all have ended; a line on `progress` at
/// each hundredth of the way.
std::vector<Sum> heard(std::vector<pollfd>& pipes, std::uint64_t rollouts, std::FILE* progress) {
  std::vector<Sum> sums(pipes.size());
  std::uint64_t shown = 0;
  for (auto open = pipes.size(); open > 0;) {
    if (poll(pipes.data(), pipes.size(), -1) < 0) throw std::runtime_error("poll");
    for (std::size_t i = 0; i < pipes.size(); ++i) {
      if (pipes[i].revents == 0) continue;
      Sum sum;
      if (read(pipes[i].fd, &sum, sizeof sum) == static_cast<ssize_t>(sizeof sum)) {
        sums[i] = sum;
        continue;
      }
      close(pipes[i].fd);
      pipes[i].fd = -1;
      open -= 1;
    }
    const auto total = total_of(sums);
    const auto percent = total.rollouts * 100 / std::max<std::uint64_t>(1, rollouts);
    if (percent == shown) continue;
    shown = percent;
    fmt::print(progress, "{} of {} rollouts, {} lives failed\n", total.rollouts, rollouts,
               total.failures);
  }
  return sums;
}

Sum in_processes(Share share, unsigned workers, std::FILE* progress) {
  const auto rollouts = share.rollouts;
  share.rollouts = (rollouts + workers - 1) / workers;
  share.stride = workers;
  std::vector<pollfd> pipes;
  for (unsigned i = 0; i < workers; ++i, ++share.first) {
    int ends[2];
    if (pipe(ends) != 0) throw std::runtime_error("pipe");
    const pid_t child = fork();
    if (child < 0) throw std::runtime_error("fork");
    if (child == 0) {
      tell(ends[1], work(share, ends[1]));
      std::fflush(stdout);
      _exit(0);
    }
    close(ends[1]);
    pipes.push_back({ends[0], POLLIN, 0});
  }
  const auto total = total_of(heard(pipes, rollouts, progress));
  int status = 0;
  while (wait(&status) > 0)
    if (status != 0) throw std::runtime_error("a worker of the simulation died");
  return total;
}
}  // namespace

int main(int argc, char** argv) {
  CLI::App app{"Simulated rollouts: the real control code on twins of every port, with faults"};
  std::uint64_t seed = 0;
  unsigned workers = std::max(1U, std::thread::hardware_concurrency());
  Share share{.rollouts = 1000, .failures_max = 20};
  std::string json;
  app.add_option("--seeds", share.rollouts, "how many rollouts to simulate");
  app.add_option("--first", share.first, "the first seed");
  app.add_option("--seed", seed, "one life, with its trace");
  app.add_option("--workers", workers, "processes");
  app.add_option("--failures-max", share.failures_max,
                 "a process stops after so many lives that failed");
  app.add_option("--json", json, "write the figures to this file");
  CLI11_PARSE(app, argc, argv);
  std::FILE* progress = fdopen(dup(STDERR_FILENO), "w");
  if (progress == nullptr) return 1;
  std::setvbuf(progress, nullptr, _IOLBF, 0);
  // A simulated disk fills up thousands of times; the trace tells it, the log need not.
  if (std::freopen("/dev/null", "w", stderr) == nullptr) return 1;
  if (seed != 0) return show(seed);
  const auto began = std::chrono::steady_clock::now();
  const auto sum = in_processes(share, workers, progress);
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
