#pragma once
// What an image's name says: its name, its tag, and whether anybody still mends what it holds.
// Pure.

#include <string_view>

namespace ecluse::preflight {

/// "3.12-slim" of "registry.example.org/python:3.12-slim"; "" without a tag.
std::string_view tag_of(std::string_view image);
/// "python" of the same.
std::string_view name_of(std::string_view image);

/// The last day of security updates for what the image holds, where that is before `today`
/// ("2026-11-21"); "" when it is not over, or nobody wrote the version down.
std::string_view image_end(std::string_view image, std::string_view today);

}  // namespace ecluse::preflight
