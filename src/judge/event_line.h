#pragma once
// One event of a trace as it stands in its line, read quickly: a trace has millions. Only what
// every writer of such lines writes, a flat record in ASCII without escapes; anything else, right
// or wrong, is for the careful parser.

#include <optional>
#include <string_view>

namespace ecluse::judge {

/// Absent fields are empty; views are into the line.
struct EventLine {
  std::optional<double> t, weight, latency_s;
  std::optional<std::string_view> arm;
  std::optional<std::string_view> client;  ///< its text, or the digits of a whole number
  std::optional<bool> error, crashed;
};

/// Nothing: not that simple, a field is there twice, or no JSON (RFC 8259) at all.
std::optional<EventLine> read_simple(std::string_view line);

}  // namespace ecluse::judge
