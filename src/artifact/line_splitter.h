#pragma once
#include <string>
#include <string_view>

namespace ecluse::artifact {

/// Bytes in, lines out: a line ends at \n or \r (progress bars), is cut at a bound and never empty.
class LineSplitter {
 public:
  explicit LineSplitter(std::size_t line_bytes_max = 8192) : line_bytes_max_(line_bytes_max) {}

  template <typename F>
  void push(std::string_view bytes, F&& on_line) {
    for (const char c : bytes) {
      if (c == '\n' || c == '\r' || line_.size() >= line_bytes_max_) finish(on_line);
      if (c != '\n' && c != '\r') line_ += c;
    }
  }
  template <typename F>
  void finish(F&& on_line) {
    if (!line_.empty()) on_line(std::string_view(line_));
    line_.clear();
  }

 private:
  std::size_t line_bytes_max_;
  std::string line_;
};

}  // namespace ecluse::artifact
