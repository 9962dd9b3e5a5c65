#pragma once
#include <string>
#include <string_view>

namespace ecluse::artifact {

/// Text of a stranger as one line of valid UTF-8 of at most `bytes_max`: what is not UTF-8 and
/// control characters become U+FFFD, a cut is marked by "…". Quotes and the like stay: it is data.
std::string tidy_text(std::string_view text, std::size_t bytes_max);

}  // namespace ecluse::artifact
