#pragma once
// One ecluse per data folder.

#include <filesystem>

#include "base/result.h"
#include "os/fd.h"

namespace ecluse::storage {

/// Holds `folder`/lock while it lives; the kernel gives it back however the process ends. The file
/// holds the holder's pid for people.
class FolderLock {
 public:
  /// Conflict names the pid of the ecluse that uses the folder.
  static Result<FolderLock> acquire(const std::filesystem::path& folder);

 private:
  explicit FolderLock(os::Fd fd) : fd_(std::move(fd)) {}
  os::Fd fd_;
};

}  // namespace ecluse::storage
