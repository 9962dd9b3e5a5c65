#pragma once
// A folder for one piece of work, inside a folder of ours; gone with the work.

#include <filesystem>
#include <utility>

#include "base/result.h"

namespace ecluse::os {

class Desk {
 public:
  /// A new folder in `in`, which is made when it is missing, with mode 0700.
  static Result<Desk> make(const std::filesystem::path& in);
  Desk(Desk&& other) noexcept : path_(std::exchange(other.path_, {})) {}
  Desk(const Desk&) = delete;
  Desk& operator=(const Desk&) = delete;
  Desk& operator=(Desk&&) = delete;
  ~Desk();
  const std::filesystem::path& path() const { return path_; }

 private:
  explicit Desk(std::filesystem::path path) : path_(std::move(path)) {}
  std::filesystem::path path_;
};

}  // namespace ecluse::os
