#include "artifact/links.h"

#include <deque>
#include <string_view>

#include "base/text.h"

namespace ecluse::artifact {

namespace {
constexpr int kFollowedMax = 40;  // as the kernel: more is a loop

void push_front(std::deque<std::string>& waiting, std::string_view path) {
  auto parts = split(path, '/');
  waiting.insert(waiting.begin(), parts.begin(), parts.end());
}

/// Walks `path` as the kernel would, the tree's top being the highest place it may reach.
bool leaves(const Links& links, const std::string& path) {
  std::deque<std::string> waiting;
  push_front(waiting, path);
  std::vector<std::string> at;
  int followed = 0;
  while (!waiting.empty()) {
    const std::string part = std::move(waiting.front());
    waiting.pop_front();
    if (part.empty() || part == ".") continue;
    if (part == "..") {
      if (at.empty()) return true;
      at.pop_back();
      continue;
    }
    at.push_back(part);
    const auto link = links.find(join(at, "/"));
    if (link == links.end()) continue;
    if (link->second.starts_with('/')) return true;
    if (++followed > kFollowedMax) return false;
    at.pop_back();
    push_front(waiting, link->second);
  }
  return false;
}
}  // namespace

std::vector<std::string> links_that_leave(const Links& links) {
  std::vector<std::string> leaving;
  for (const auto& [path, target] : links) {
    if (leaves(links, path)) leaving.push_back(path);
  }
  return leaving;
}

}  // namespace ecluse::artifact
