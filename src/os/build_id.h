#pragma once
#include <string>

namespace ecluse::os {

/// The build id that the linker gave the running program (a note of type NT_GNU_BUILD_ID), in hex:
/// another one whenever its code is another. "" when it was linked without.
std::string build_id();

}  // namespace ecluse::os
