#pragma once
// Between our values and JSON text: each type's fields are listed once (json.cc) and used both
// ways. Times are RFC 3339 text, durations end in _ms, an absent optional is left out.

#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "base/time.h"

namespace ecluse::api {

/// Replaces secret values in text: the last line before anything leaves the daemon.
using Redactor = std::function<std::string(std::string_view)>;

/// Requests refuse fields they do not know, so that a typo is not silently a default; answers
/// ignore them, so that a newer daemon can speak to an older client.
enum class UnknownFields { kRefuse, kIgnore };

/// One JSON document. Every string value passes `redact`; bytes that are not UTF-8 become U+FFFD.
/// Defined for the types of wire.h and the views of control/operations.h, alone or in a vector.
template <typename T>
std::string json_text(const T& value, const Redactor& redact = {});

/// Invalid, naming the field, on wrong types, duplicate keys, trailing text or too deep nesting.
/// An empty text is an empty object.
template <typename T>
Result<T> from_json_text(std::string_view text, UnknownFields unknown);

/// {"error": {"kind", "message", "hint"}}
std::string error_json(const Error& error, const Redactor& redact = {});
/// The error that such a text holds, or nothing when it is no error.
std::optional<Error> error_from_json(std::string_view text);

std::optional<WallTime> parse_wall_time(std::string_view text);

}  // namespace ecluse::api
