#pragma once
// The unprivileged users that apps run as: one per app and environment, remembered on disk.

#include <cstdint>
#include <filesystem>
#include <map>
#include <string>

#include "base/locked.h"
#include "base/result.h"

namespace ecluse::runtime {

struct Account {
  std::string name;       ///< as passwd shows it
  std::uint32_t uid = 0;  ///< and gid
};

/// Thread-safe.
class Accounts {
 public:
  /// `file` remembers them; `first` is the lowest uid to give.
  Accounts(std::filesystem::path file, std::uint32_t first)
      : file_(std::move(file)), first_(first) {}

  /// The account of `key`, allocated when new. The same key always has the same one.
  Result<Account> of(const std::string& key);

 private:
  std::filesystem::path file_;
  std::uint32_t first_;
  Locked<int> lock_;
};

}  // namespace ecluse::runtime
