#pragma once
// Patterns of .gitignore and .dockerignore. Format: gitignore(5). Pure.

#include <string>
#include <string_view>
#include <vector>

namespace ecluse::preflight {

/// One file's patterns. `folder` is where the file lies: patterns are relative to it.
class IgnoreRules {
 public:
  IgnoreRules() = default;
  IgnoreRules(std::string folder, std::string_view text);

  enum class Answer { kSilent, kIgnored, kKept };
  /// What the last pattern that matches says of `path` (from the top of the repository).
  Answer ask(std::string_view path, bool folder) const;
  bool empty() const { return patterns_.empty(); }
  std::size_t size() const { return patterns_.size(); }

 private:
  struct Pattern {
    std::string glob;
    bool negated = false;
    bool folder_only = false;
    bool anchored = false;
  };
  std::string folder_;
  std::vector<Pattern> patterns_;
};

/// `*`, `?`, `[a-z]` without crossing "/", `**` across it (gitignore(5)). Never exponential.
bool glob_matches(std::string_view glob, std::string_view path);

}  // namespace ecluse::preflight
