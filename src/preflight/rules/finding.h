#pragma once
// What check says: one thing wrong at one place, why it matters, and how to mend it.

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "preflight/facts/place.h"

namespace ecluse::preflight {

enum class Severity { kInfo, kWarn, kMajor, kBlock };
std::string_view to_string(Severity severity);

/// A mechanical remedy: these bytes of the line become those. Offered only where the result is
/// right whatever else stands in the file.
struct Edit {
  std::string path;
  int line = 0;        ///< 0: `after` is appended to the file, which may not exist yet
  std::string before;  ///< must occur in that line
  std::string after;
  bool operator==(const Edit&) const = default;
};

struct Finding {
  std::string rule;
  std::optional<Severity>
      severity;      ///< always there after audit(): the rule's own, unless facts say other
  std::string path;  ///< "" : the repository as a whole
  Place place;
  std::string evidence;  ///< what was seen, never a secret's value
  std::string because;   ///< which input raised or lowered the severity; may be empty
  std::string accepted;  ///< by whom or what it is accepted, and why; empty: it stands
  std::optional<Edit> edit;
};

using Findings = std::vector<Finding>;

}  // namespace ecluse::preflight
