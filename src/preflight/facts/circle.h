#pragma once
// CircleCI's configuration (.circleci/config.yml, version 2 and 2.1) as pipelines. Pure.

#include <string_view>
#include <vector>

#include "preflight/facts/workflow.h"

namespace ecluse::preflight {

/// One Workflow for each of its `workflows`, else one of all its jobs. Commands of its own are
/// followed; an orb's command is a step that `uses` it, an orb's job is a job that does.
std::vector<Workflow> read_circle(std::string_view path, const Yaml& root);

}  // namespace ecluse::preflight
