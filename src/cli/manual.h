#pragma once
#include <string>

namespace ecluse::cli {

/// The part of docs/command-line.md that says what each verb takes.
std::string manual();

}  // namespace ecluse::cli
