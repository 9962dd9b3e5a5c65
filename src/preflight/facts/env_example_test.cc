#include "preflight/facts/env_example.h"

#include <gtest/gtest.h>

#include "preflight/facts/javascript.h"

namespace ecluse::preflight {
namespace {

std::vector<std::string> demanded(const std::string& source, const std::vector<EnvFile>& examples) {
  std::vector<CodeFile> files{read_javascript("api/src/index.js", source)};
  follow_examples(files, examples);
  std::vector<std::string> names;
  for (const auto& each : files[0].reads)
    if (each.required) names.push_back(each.name);
  return names;
}

using Names = std::vector<std::string>;

TEST(EnvExample, IsDemandedByDotenvSafeFromTheNearestFolder) {
  const std::vector<EnvFile> examples{read_env_file(".env.example", "OTHER=\n"),
                                      read_env_file("api/.env.example", "PORT=\nAPI_KEY=\n")};
  EXPECT_EQ(demanded("require('dotenv-safe').config();\n", examples), (Names{"PORT", "API_KEY"}));
  EXPECT_EQ(demanded("import 'dotenv-safe/config';\n", examples), (Names{"PORT", "API_KEY"}));
}

TEST(EnvExample, IsTheFileThatTheCallNames) {
  const std::vector<EnvFile> examples{read_env_file(".env.example", "OTHER=\n"),
                                      read_env_file("api/.env.template", "REGION=\n")};
  EXPECT_EQ(
      demanded("import safe from 'dotenv-safe';\nsafe.config({example: './.env.template'});\n",
               examples),
      Names{"REGION"});
}

TEST(EnvExample, DemandsNothingOfOneWhoOnlyLoads) {
  EXPECT_TRUE(demanded("require('dotenv').config();\n", {read_env_file(".env.example", "OTHER=\n")})
                  .empty());
}

}  // namespace
}  // namespace ecluse::preflight
