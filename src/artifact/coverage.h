#pragma once
#include <optional>
#include <string_view>

namespace ecluse::artifact {

/// Watches the output of a check for the share of code that its tests ran: the TOTAL line of
/// coverage.py and pytest-cov, the text summaries of Istanbul (nyc, Jest, Vitest), `go test -cover`
/// (several packages: their lowest). The last report wins.
class CoverageReader {
 public:
  void read(std::string_view line);
  /// 0..1; nothing when no line reported it.
  std::optional<double> share() const { return share_; }

 private:
  std::optional<double> share_;
  bool from_go_ = false;
};

}  // namespace ecluse::artifact
