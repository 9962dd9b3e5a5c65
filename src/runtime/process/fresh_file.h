#pragma once
// Files that are made anew at each start, or mean nothing after a reboot: replaced whole, without
// the fsyncs that would make up most of an instance's start.

#include <filesystem>
#include <string_view>

#include "base/result.h"

namespace ecluse::runtime {

/// A reader sees the old bytes or the new ones; after a power cut there may be neither.
Result<void> write_again(const std::filesystem::path& path, std::string_view bytes,
                         unsigned mode = 0644);

}  // namespace ecluse::runtime
