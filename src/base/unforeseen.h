#pragma once
#include <exception>

#include "base/result.h"

namespace ecluse {

/// An exception that nothing below the edge of a thread caught, where it would end the program.
Error unforeseen(const std::exception& thrown);

}  // namespace ecluse
