#pragma once
// The one table of keys: what ecluse.yml may say, what each key means, its default and whether its
// engine exists. Parser, JSON Schema, explain, the guide and "not available yet" all read it.

#include <string>
#include <vector>

#include "config/shape.h"
#include "model/spec.h"

namespace ecluse::config {

/// The file before environments are made of it.
struct File {
  std::string app;
  model::EnvironmentSpec base;  ///< what the top of the file says for every environment
  std::vector<Entry> environments;
};

const Shape<File>& file_shape();
/// One environment's overlay; also the whole of an environment, as explain writes it.
const Shape<model::EnvironmentSpec>& environment_shape();

}  // namespace ecluse::config
