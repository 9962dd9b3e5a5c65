#pragma once
// Writing files of a stranger's tree: never outside of it, and through no link.

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"

namespace ecluse::os {

/// The bytes of `path` below `root`, at most `bytes_max`. NotFound: there is none. Refused: a part
/// of the path is a link or ".."; Invalid: it is no regular file.
Result<std::string> read_inside(const std::filesystem::path& root, const std::string& path,
                                std::size_t bytes_max);

/// Replaces `path` below `root`, whole or not at all, keeping its mode; nothing for `before`: makes
/// it with 0644. Conflict: it does not hold `before` any more, or is there. Refused as above.
Result<void> replace_inside(const std::filesystem::path& root, const std::string& path,
                            const std::optional<std::string>& before, std::string_view bytes);

/// Renames `path` to `to`, both below `root` in one folder. Conflict: `to` is there.
Result<void> rename_inside(const std::filesystem::path& root, const std::string& path,
                           const std::string& to);

}  // namespace ecluse::os
