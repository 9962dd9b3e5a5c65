#include "preflight/facts/package_script.h"

#include <gtest/gtest.h>

namespace ecluse::preflight {
namespace {

Manifest with_scripts(const std::vector<std::pair<std::string, std::string>>& scripts) {
  Manifest package;
  for (const auto& [name, command] : scripts) package.scripts.push_back({name, command, {1, 1}});
  return package;
}

TEST(PackageScript, IsFollowedToItsCommandWithWhatItIsGiven) {
  const auto package =
      with_scripts({{"start", "npm run serve -p 80"}, {"serve", "node server.js"}});
  EXPECT_EQ(follow_scripts(package, "cd web && npm start"), "cd web && node server.js -p 80");
}

TEST(PackageScript, OfAnotherNameStays) {
  EXPECT_EQ(follow_scripts(with_scripts({{"start", "node a.js"}}), "yarn build"), "yarn build");
}

TEST(PackageScript, ThatNamesItselfOverAndOverIsFollowedWithinABound) {
  std::string command = "npm start";
  for (int i = 0; i < 100; ++i) command += " && npm start";
  const auto package = with_scripts({{"start", command}});
  EXPECT_LT(follow_scripts(package, "npm start").size(), (kScriptsFollowed + 1) * command.size());
}

}  // namespace
}  // namespace ecluse::preflight
