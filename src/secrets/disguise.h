#pragma once
// The forms in which a value turns up in logs and answers. Pure.

#include <string>
#include <string_view>
#include <vector>

namespace ecluse::secrets {

/// Values (and their forms) shorter than this are not searched for: they would redact half of a
/// log and hide nothing.
constexpr std::size_t kDisguiseBytesMin = 4;

/// The value itself, its base64 (both alphabets, at each of the three alignments it can have inside
/// a longer text), URL-encoded, JSON- and HTML-escaped, and each longer line of a value of several
/// lines. Without duplicates; none shorter than kDisguiseBytesMin.
std::vector<std::string> disguises_of(std::string_view value);

}  // namespace ecluse::secrets
