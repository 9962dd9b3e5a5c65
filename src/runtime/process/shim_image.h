#pragma once
// The shim's program: bytes inside ours, made executable without a trace on disk where possible.

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "os/fd.h"

namespace ecluse::runtime {

std::string_view shim_bytes();

/// `ecluse shim ARGUMENT...`: becomes the shim. Returns only with what stopped it.
Error become_shim(const std::vector<std::string>& arguments);

/// A descriptor to exec: a memfd, or where that is forbidden a file in `folder`.
Result<os::Fd> open_shim_image(const std::filesystem::path& folder);

}  // namespace ecluse::runtime
