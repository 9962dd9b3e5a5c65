// `./run bench judge`: how often the judge is wrong, and how soon it is right, by simulation.
//
// Each row plays RUNS rollouts of one kind of traffic, seeded, and holds a figure to its bar.
// Usage: judge [--quick | --runs N] [--only G1] [--part 0/4] [--json FILE]

#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <nlohmann/json.hpp>
#include <span>
#include <string>
#include <thread>
#include <vector>

#include "judge/gates.h"

namespace {

using namespace ecluse::bench;
using nlohmann::json;

constexpr std::uint64_t kSeed = 20260101;
constexpr unsigned kThreadsMax = 2;

struct Options {
  int runs = 2000;
  std::string only;
  std::size_t part = 0, parts = 1;  ///< every parts-th cell, from this one on
  std::string json_file;
};

[[noreturn]] void usage(const std::string& word) {
  fmt::print(stderr,
             "bench judge: {}? [--quick | --runs N] [--only G1] [--part 0/4] [--json FILE]\n",
             word);
  std::exit(2);
}

Options parse(std::span<char*> arguments) {
  Options options;
  for (std::size_t i = 1; i < arguments.size(); ++i) {
    const std::string word = arguments[i];
    const bool has_value = i + 1 < arguments.size();
    if (word == "--quick") {
      options.runs = 200;
    } else if (word == "--runs" && has_value) {
      options.runs = std::max(1, std::atoi(arguments[++i]));
    } else if (word == "--only" && has_value) {
      options.only = arguments[++i];
    } else if (word == "--part" && has_value) {
      if (std::sscanf(arguments[++i], "%zu/%zu", &options.part, &options.parts) != 2 ||
          options.parts == 0) {
        usage(word);
      }
    } else if (word == "--json" && has_value) {
      options.json_file = arguments[++i];
    } else {
      usage(word);
    }
  }
  return options;
}

std::vector<Cell> cells_of(const Options& options) {
  struct Gate {
    const char* name;
    std::vector<Cell> (*cells)();
  };
  const Gate gates[] = {{"G1", false_rollbacks}, {"G2", detections},       {"G3", slow_releases},
                        {"G4", without_traffic}, {"G5", false_promotions}, {"G6", misjudgements},
                        {"G7", costs},           {"G8", optima},           {"peer", peers}};
  std::vector<Cell> all;
  for (const auto& [name, cells] : gates) {
    if (!options.only.empty() && options.only != name) continue;
    for (Cell& cell : cells()) all.push_back(std::move(cell));
  }
  std::vector<Cell> part;
  for (std::size_t i = options.part; i < all.size(); i += options.parts) part.push_back(all[i]);
  return part;
}

/// Plays the cells on a few threads; the rows come in the order of the cells.
std::vector<Row> play_all(const std::vector<Cell>& cells, int runs, std::uint64_t seed) {
  std::vector<Row> rows(cells.size());
  std::atomic<std::size_t> next = 0;
  const auto work = [&] {
    for (std::size_t i = next++; i < cells.size(); i = next++) rows[i] = cells[i](seed + i, runs);
  };
  std::vector<std::jthread> threads;
  const unsigned count = std::clamp(std::thread::hardware_concurrency(), 1U, kThreadsMax);
  for (unsigned i = 0; i < count; ++i) threads.emplace_back(work);
  threads.clear();
  return rows;
}

void print(const std::vector<Row>& rows) {
  for (const Row& row : rows) {
    const bool has_bar = !std::isnan(row.bar);
    fmt::print("{:4} {:82} {:>9.4g}  {:>11}  {:6}  {}\n", row.gate, row.what, row.value,
               has_bar ? fmt::format("bar {:.4g}", row.bar) : "",
               !has_bar      ? ""
               : row.holds() ? "holds"
                             : "MISSED",
               row.beside);
  }
  const auto missed = std::ranges::count_if(rows, [](const Row& row) { return !row.holds(); });
  const auto held =
      std::ranges::count_if(rows, [](const Row& row) { return !std::isnan(row.bar); });
  fmt::print("{} of {} bars hold\n", held - missed, held);
}

void write_json(const std::string& path, const std::vector<Row>& rows, int runs) {
  json list = json::array();
  for (const Row& row : rows) {
    list.push_back({{"gate", row.gate},
                    {"what", row.what},
                    {"value", row.value},
                    {"bar", row.bar},
                    {"holds", row.holds()},
                    {"beside", row.beside}});
  }
  std::ofstream(path) << json{{"runs", runs}, {"seed", kSeed}, {"rows", list}}.dump(2) << "\n";
}

}  // namespace

int main(int argc, char** argv) {
  const Options options = parse({argv, static_cast<std::size_t>(argc)});
  const std::vector<Row> rows = play_all(cells_of(options), options.runs, kSeed + options.part);
  print(rows);
  if (!options.json_file.empty()) write_json(options.json_file, rows, options.runs);
  return std::ranges::all_of(rows, &Row::holds) ? 0 : 1;
}
