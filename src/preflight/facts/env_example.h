#pragma once
// Variables that a committed example of a .env demands, where the code holds the environment
// against it (dotenv-safe). Pure.

#include <vector>

#include "preflight/facts/code.h"
#include "preflight/facts/env_file.h"

namespace ecluse::preflight {

/// Adds to `reads` of each file that calls dotenv-safe the names of the example that it asks for:
/// `example: "..."`, else .env.example, in the nearest folder above it that has one. All of them
/// must be set. Source: dotenv-safe, README.
void follow_examples(std::vector<CodeFile>& files, const std::vector<EnvFile>& env_files);

}  // namespace ecluse::preflight
