#pragma once
// The shim's program: bytes inside ours, made executable without a trace on disk where possible.

#include <filesystem>
#include <string_view>

#include "base/result.h"
#include "os/fd.h"

namespace ecluse::runtime {

std::string_view shim_bytes();

/// A descriptor to exec: a memfd, or where that is forbidden a file in `folder`.
Result<os::Fd> open_shim_image(const std::filesystem::path& folder);

}  // namespace ecluse::runtime
