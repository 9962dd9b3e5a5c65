#pragma once
// The parts of the table of keys (config/table.h) that stand alone: what is built, and what runs.

#include <map>
#include <string>

#include "config/shape.h"
#include "model/spec.h"

namespace ecluse::config::shapes {

/// What follows from asking for an image, by whatever key.
inline constexpr const char* kNoImages = "an image can be neither built nor run";

/// `build: python`, `build: {python: yes}`, `build: detect`.
Shape<model::BuildSpec> build();
Shape<model::CheckSpec> check();
Shape<model::ReleaseJobSpec> release_job();

/// `env:` of anything.
Shape<std::map<std::string, model::EnvValue>> variables();
Shape<model::ProcessSpec> process();
Shape<model::ServiceSpec> service();
Shape<model::CronSpec> cron();

}  // namespace ecluse::config::shapes
