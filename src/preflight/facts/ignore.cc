#include "preflight/facts/ignore.h"

#include <algorithm>

#include "base/text.h"
#include "preflight/facts/text_file.h"

namespace ecluse::preflight {

namespace {

constexpr std::size_t kPatternsMax = 2'000;
constexpr std::size_t kGlobBytesMax = 512;

/// Matches one character class at glob[i] == '['; moves i behind it.
bool class_matches(std::string_view glob, std::size_t& i, char c) {
  std::size_t j = i + 1;
  const bool negated = j < glob.size() && (glob[j] == '!' || glob[j] == '^');
  if (negated) ++j;
  bool hit = false;
  for (bool first = true; j < glob.size() && (first || glob[j] != ']'); first = false) {
    const char low = glob[j++];
    char high = low;
    if (j + 1 < glob.size() && glob[j] == '-' && glob[j + 1] != ']') {
      high = glob[j + 1];
      j += 2;
    }
    hit |= low <= c && c <= high;
  }
  i = std::min(j + 1, glob.size());
  return hit != negated;
}

/// Which prefixes of the glob match what was read so far: a set of states, so time is the product
/// of both lengths and no input makes it worse.
class Matcher {
 public:
  explicit Matcher(std::string_view glob) : glob_(glob), live_(glob.size() + 1, false) {
    reach(live_, 0);
  }

  void feed(char c) {
    std::vector<bool> next(live_.size(), false);
    for (std::size_t i = 0; i < glob_.size(); ++i) {
      if (live_[i]) advance(i, c, next);
    }
    live_ = std::move(next);
  }

  bool done() const { return live_[glob_.size()]; }

 private:
  bool double_star(std::size_t i) const { return glob_.substr(i, 2) == "**"; }

  /// State i is live, and so is what it reaches without a character.
  void reach(std::vector<bool>& states, std::size_t i) {
    states[i] = true;
    if (i >= glob_.size() || glob_[i] != '*') return;
    if (!double_star(i)) return reach(states, i + 1);
    const bool slash = glob_.substr(i, 3) == "**/";
    reach(states, i + (slash ? 3 : 2));
  }

  void advance(std::size_t i, char c, std::vector<bool>& next) {
    const char g = glob_[i];
    if (g == '*') {
      if (double_star(i)) {
        // "**/" ends at a slash only; the state itself stays live meanwhile
        next[i] = true;
        if (glob_.substr(i, 3) == "**/" ? c == '/' : true)
          reach(next, i + (glob_.substr(i, 3) == "**/" ? 3 : 2));
      } else if (c != '/') {
        reach(next, i);
      }
    } else if (g == '[' && c != '/') {
      auto behind = i;
      if (class_matches(glob_, behind, c)) reach(next, behind);
    } else if (g == '?' ? c != '/' : g == c) {
      reach(next, i + 1);
    } else if (g == '\\' && i + 1 < glob_.size() && glob_[i + 1] == c) {
      reach(next, i + 2);
    }
  }

  std::string_view glob_;
  std::vector<bool> live_;
};

}  // namespace

bool glob_matches(std::string_view glob, std::string_view path) {
  if (glob.find_first_of("*?[\\") == std::string_view::npos) return glob == path;
  Matcher matcher(glob);
  for (const char c : path) matcher.feed(c);
  return matcher.done();
}

IgnoreRules::IgnoreRules(std::string folder, std::string_view text) : folder_(std::move(folder)) {
  for (auto line : lines_of(text)) {
    if (patterns_.size() >= kPatternsMax) return;
    while (line.ends_with(' ') && !line.ends_with("\\ ")) line.remove_suffix(1);
    if (line.empty() || line.starts_with('#') || line.size() > kGlobBytesMax) continue;
    Pattern made;
    made.negated = line.starts_with('!');
    if (made.negated) line.remove_prefix(1);
    made.folder_only = line.ends_with('/');
    if (made.folder_only) line.remove_suffix(1);
    made.anchored = line.find('/') != std::string_view::npos;
    if (line.starts_with('/')) line.remove_prefix(1);
    made.glob = std::string(line);
    if (!made.glob.empty()) patterns_.push_back(std::move(made));
  }
}

IgnoreRules::Answer IgnoreRules::ask(std::string_view path, bool folder) const {
  if (!folder_.empty()) {
    if (!path.starts_with(folder_ + "/")) return Answer::kSilent;
    path.remove_prefix(folder_.size() + 1);
  }
  const auto name = file_name(path);
  for (auto each = patterns_.rbegin(); each != patterns_.rend(); ++each) {
    if (each->folder_only && !folder) continue;
    if (glob_matches(each->glob, each->anchored ? path : name))
      return each->negated ? Answer::kKept : Answer::kIgnored;
  }
  return Answer::kSilent;
}

}  // namespace ecluse::preflight
