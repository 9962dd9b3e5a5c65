// Any bytes as ecluse.yml: refused with a reason, or accepted and then explained, checked and
// explained again to the same. ./run fuzz config
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "config/parse.h"

using namespace ecluse::config;

namespace {

/// libFuzzer keeps what crashes; this is how a broken promise crashes.
void demand(bool holds) {
  if (!holds) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(bytes), size);
  const auto parsed = parse(text, "ecluse.yml");
  if (!parsed) {
    demand(!parsed.error().empty() && !render(parsed.error(), text).empty());
    return 0;
  }
  (void)render(not_available_yet(*parsed), text);  // asked of it: that it comes back
  const auto again = parse(explain(*parsed), "explained.yml");
  demand(again.has_value() && again->spec == parsed->spec);
  return 0;
}
