#pragma once
// A folder of its own that goes, with all in it, when its owner goes. For tests and scratch work.

#include <stdlib.h>

#include <cstdlib>
#include <filesystem>
#include <string>

namespace ecluse::os {

/// Made with mode 0700 under the system's folder for temporary files; aborts when that is
/// impossible, as nothing sensible can follow.
class TempFolder {
 public:
  TempFolder() {
    auto pattern = (std::filesystem::temp_directory_path() / "ecluse-XXXXXX").string();
    if (::mkdtemp(pattern.data()) == nullptr) std::abort();
    path_ = pattern;
  }
  TempFolder(const TempFolder&) = delete;
  TempFolder& operator=(const TempFolder&) = delete;
  ~TempFolder() {
    std::error_code ignored;  // what cannot be deleted stays in a folder meant for such things
    std::filesystem::remove_all(path_, ignored);
  }

  const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
};

}  // namespace ecluse::os
