#pragma once
#include <optional>
#include <string>
#include <string_view>

namespace ecluse::transfer {

/// One spelling for each JSON value: keys sorted and the last of a repeated one kept, numbers by
/// value, no blanks. What jsonb keeps of a text.
struct JsonMeaning {
  std::string text;
  bool holds_nul = false;  ///< a string or key has U+0000, which jsonb cannot keep
};

/// Nothing: it is no JSON (NaN is none), or nested deeper than 500.
std::optional<JsonMeaning> json_meaning(std::string_view text);

}  // namespace ecluse::transfer
