#pragma once
#include <string>
#include <vector>

#include "cli/terminal.h"

namespace ecluse::cli {

/// Columns as wide as their widest cell, two spaces between; nothing is cut.
class Table {
 public:
  explicit Table(std::vector<std::string> head);
  void row(std::vector<std::string> cells);
  bool empty() const { return rows_.empty(); }
  void print(const Terminal& terminal) const;

 private:
  std::vector<std::string> head_;
  std::vector<std::vector<std::string>> rows_;
};

}  // namespace ecluse::cli
