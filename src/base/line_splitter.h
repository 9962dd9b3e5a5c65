#pragma once
#include <string>
#include <string_view>

namespace ecluse {

/// Bytes in, lines out, each without its end. A line beyond the bound is cut, behind its last blank
/// if that is in its second half: what is searched for in a line seldom holds a blank.
class LineSplitter {
 public:
  enum class Ends {
    kNewline,   ///< \n; a line may be empty
    kProgress,  ///< also \r, as progress bars use it; empty lines are left out
  };
  explicit LineSplitter(Ends ends, std::size_t line_bytes_max = 64 * 1024)
      : ends_(ends), line_bytes_max_(line_bytes_max) {}

  template <typename F>
  void push(std::string_view bytes, F&& on_line) {
    for (const char c : bytes) {
      const bool ends = c == '\n' || (ends_ == Ends::kProgress && c == '\r');
      if (ends) {
        give(line_.size(), on_line);
      } else {
        if (line_.size() >= line_bytes_max_) give(cut(), on_line);
        line_ += c;
      }
    }
  }
  /// A last line without an end.
  template <typename F>
  void finish(F&& on_line) {
    if (!line_.empty()) give(line_.size(), on_line);
  }

 private:
  template <typename F>
  void give(std::size_t bytes, F&& on_line) {
    if (bytes > 0 || ends_ == Ends::kNewline) on_line(std::string_view(line_).substr(0, bytes));
    line_.erase(0, bytes);
  }
  std::size_t cut() const {
    const std::size_t blank = line_.rfind(' ');
    return blank == std::string::npos || blank < line_.size() / 2 ? line_.size() : blank + 1;
  }

  Ends ends_;
  std::size_t line_bytes_max_;
  std::string line_;
};

}  // namespace ecluse
