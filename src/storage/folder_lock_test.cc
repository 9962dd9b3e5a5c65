#include "storage/folder_lock.h"

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include "os/temp_folder.h"

namespace ecluse::storage {
namespace {

TEST(FolderLock, TheSecondIsToldWhoHoldsIt) {
  os::TempFolder folder;
  const auto first = FolderLock::acquire(folder.path());
  ASSERT_TRUE(first);
  const auto second = FolderLock::acquire(folder.path());
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().kind, ErrorKind::kConflict);
  EXPECT_EQ(second.error().message,
            fmt::format("another ecluse (pid {}) uses {}", ::getpid(), folder.path().string()));
}

TEST(FolderLock, IsFreeAgainWhenItsHolderGoes) {
  os::TempFolder folder;
  ASSERT_TRUE(FolderLock::acquire(folder.path()));
  EXPECT_TRUE(FolderLock::acquire(folder.path()));
}

TEST(FolderLock, IsFreeAgainWhenItsHolderIsKilled) {
  os::TempFolder folder;
  int ends[2];
  ASSERT_EQ(::pipe(ends), 0);
  const pid_t child = ::fork();
  if (child == 0) {
    const auto lock = FolderLock::acquire(folder.path());
    (void)!::write(ends[1], lock ? "1" : "0", 1);
    for (;;) ::pause();
  }
  char locked = 0;
  ASSERT_EQ(::read(ends[0], &locked, 1), 1);
  EXPECT_EQ(locked, '1');
  const auto meanwhile = FolderLock::acquire(folder.path());
  ASSERT_FALSE(meanwhile);
  EXPECT_NE(meanwhile.error().message.find(fmt::format("pid {}", child)), std::string::npos);
  ::kill(child, SIGKILL);
  ASSERT_EQ(::waitpid(child, nullptr, 0), child);
  EXPECT_TRUE(FolderLock::acquire(folder.path()));
  ::close(ends[0]);
  ::close(ends[1]);
}

TEST(FolderLock, SaysWhichFolderIsMissing) {
  const auto lock = FolderLock::acquire("/nonexistent/ecluse");
  ASSERT_FALSE(lock);
  EXPECT_EQ(lock.error().kind, ErrorKind::kNotFound);
  EXPECT_NE(lock.error().message.find("/nonexistent/ecluse"), std::string::npos);
}

}  // namespace
}  // namespace ecluse::storage
