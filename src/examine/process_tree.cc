#include "examine/process_tree.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>

#include "base/text.h"
#include "os/file.h"

namespace ecluse::examine {

namespace {
constexpr std::size_t kProcFileMax = 1 << 20;
constexpr std::size_t kProcessesMax = 500;

std::string read(int pid, const char* file) {
  return os::read_file(fmt::format("/proc/{}/{}", pid, file), kProcFileMax).value_or("");
}

std::vector<int> children_of(int pid) {
  std::vector<int> children;
  for (const auto& word : split(read(pid, fmt::format("task/{}/children", pid).c_str()), ' '))
    if (const int child = std::atoi(word.c_str()); child > 0) children.push_back(child);
  return children;
}
}  // namespace

std::vector<int> tree_of(int root) {
  std::vector<int> tree;
  if (root > 0) tree.push_back(root);
  for (std::size_t i = 0; i < tree.size() && tree.size() < kProcessesMax; ++i)
    for (const int child : children_of(tree[i])) tree.push_back(child);
  return tree;
}

std::string arguments_of(int pid) {
  auto text = read(pid, "cmdline");
  std::ranges::replace(text, '\0', ' ');
  return text;
}

std::optional<unsigned> user_of(int pid) {
  for (const auto& line : split(read(pid, "status"), '\n')) {
    if (!line.starts_with("Uid:")) continue;
    const auto ids = split(line, '\t');
    if (ids.size() > 2) return static_cast<unsigned>(std::strtoul(ids[2].c_str(), nullptr, 10));
  }
  return std::nullopt;
}

}  // namespace ecluse::examine
