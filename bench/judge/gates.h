#pragma once
// The gates of the judge, each a list of cells; a cell plays its runs and holds a figure to a bar.

#include <cmath>
#include <functional>
#include <string>
#include <vector>

namespace ecluse::bench {

struct Row {
  std::string gate;
  std::string what;
  double value = 0;
  double bar = NAN;    ///< at most this; NAN: published without a bar
  std::string beside;  ///< another figure to read it against
  bool holds() const { return std::isnan(bar) || value <= bar; }
};

/// Seeded by itself, so that the order and number of threads change nothing.
using Cell = std::function<Row(std::uint64_t seed, int runs)>;

std::vector<Cell> false_rollbacks();   // G1
std::vector<Cell> detections();        // G2
std::vector<Cell> slow_releases();     // G3
std::vector<Cell> without_traffic();   // G4
std::vector<Cell> false_promotions();  // G5
std::vector<Cell> misjudgements();     // G6
std::vector<Cell> costs();             // G7
std::vector<Cell> optima();            // G8
std::vector<Cell> peers();             // beside them

}  // namespace ecluse::bench
