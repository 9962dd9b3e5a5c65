#pragma once
// A dotenv file, graded by what stands in it. Pure.

#include <string>
#include <string_view>
#include <vector>

#include "preflight/facts/place.h"

namespace ecluse::preflight {

struct EnvLine {
  std::string name;
  std::string value;  ///< without quotes
  Place place;
};

struct EnvFile {
  std::string path;
  std::vector<EnvLine> lines;
  bool example = false;  ///< .env.example, .env.sample, env.template

  const EnvLine* find(std::string_view name) const;
};

bool is_env_name(std::string_view file_name);
EnvFile read_env_file(std::string_view path, std::string_view text);

}  // namespace ecluse::preflight
