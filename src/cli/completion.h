#pragma once
#include <string>

namespace ecluse::cli {

/// Scripts for shells, made from the table of verbs.
std::string bash_completion();
std::string zsh_completion();
std::string fish_completion();

}  // namespace ecluse::cli
