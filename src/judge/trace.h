#pragma once
// The file formats of `ecluse judge`: objectives, and one event a line. docs/judge.md.

#include <istream>
#include <optional>
#include <string_view>

#include "base/result.h"
#include "judge/judge.h"

namespace ecluse::judge {

/// {"alpha": 0.01, "beta": 0.05, "max_ratio": 3, "abort_when": ["errors > 5%", ...]}; absent fields
/// have their defaults, unknown ones are Invalid. The message begins with line and column,
/// and names the field and what was expected.
Result<Objectives> parse_objectives(std::string_view json);

/// Reads one event a line, in the order of arrival:
/// {"t": 12.5, "arm": "canary", "weight": 0.1, "client": "c17", "error": false, "latency_s": 0.08}
/// `client`, `t` and `crashed` may be absent, `latency_s` too where no objective is about latency;
/// unknown fields are ignored, so that a log with more in it can be piped in.
class Trace {
 public:
  static constexpr std::size_t kLineBytesMax = 64 << 10;

  /// `events` outlives it.
  Trace(std::istream& events, const Objectives& objectives);

  /// The next request; nothing at the end. Invalid: "line 7, column 3: ..." with the
  /// form expected.
  Result<std::optional<Request>> next();

 private:
  Result<bool> read_line();
  Result<Request> parse();

  std::istream& events_;
  bool needs_latency_ = false;
  std::uint64_t line_number_ = 0;
  std::size_t column_ = 1;  ///< of what is wrong in it
  std::string line_;
  double newest_t_;
};

}  // namespace ecluse::judge
