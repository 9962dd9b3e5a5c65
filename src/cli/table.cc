#include "cli/table.h"

#include <algorithm>
#include <ostream>

namespace ecluse::cli {

namespace {

std::string line_of(const std::vector<std::string>& cells, const std::vector<std::size_t>& widths) {
  std::string line;
  for (std::size_t i = 0; i < cells.size(); ++i) {
    line += cells[i];
    if (i + 1 < cells.size()) line.append(widths[i] - columns_of(cells[i]) + 2, ' ');
  }
  return line;
}

}  // namespace

Table::Table(std::vector<std::string> head) : head_(std::move(head)) {}

void Table::row(std::vector<std::string> cells) {
  cells.resize(head_.size());
  rows_.push_back(std::move(cells));
}

void Table::print(const Terminal& terminal) const {
  std::vector<std::size_t> widths;
  for (std::size_t i = 0; i < head_.size(); ++i) {
    widths.push_back(columns_of(head_[i]));
    for (const auto& cells : rows_) widths[i] = std::max(widths[i], columns_of(cells[i]));
  }
  terminal.out << terminal.paint(Ink::kDim, line_of(head_, widths)) << "\n";
  for (const auto& cells : rows_) terminal.out << line_of(cells, widths) << "\n";
}

}  // namespace ecluse::cli
