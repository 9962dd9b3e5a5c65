#pragma once
// Which stage of a Dockerfile is the one that runs in production, when its last one is for tests or
// for whoever writes the program. Pure.

#include "preflight/facts/repository.h"

namespace ecluse::preflight {

/// Sets Dockerfile::served of each file.
void choose_served_stages(Repository& repository);

/// "test", "dev-server": made for tests or for development.
bool is_development_stage(const Stage& stage);

}  // namespace ecluse::preflight
