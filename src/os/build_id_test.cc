#include "os/build_id.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>

#include "os/subprocess.h"

namespace ecluse::os {
namespace {

TEST(BuildId, IsTheOneThatTheProgramCarries) {
  const auto program = std::filesystem::read_symlink("/proc/self/exe").string();
  const auto notes = output_of({.argv = {"readelf", "-n", program}});
  ASSERT_TRUE(notes) << notes.error().message;
  ASSERT_FALSE(build_id().empty());
  EXPECT_THAT(*notes, testing::HasSubstr("Build ID: " + build_id() + "\n"));
}

}  // namespace
}  // namespace ecluse::os
