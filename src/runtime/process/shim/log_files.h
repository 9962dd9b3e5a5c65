#pragma once
// The output of an instance: a stream of bytes cut into files at line ends, each named after the
// offset of its first byte. Nothing is ever renamed, so a reader's offset stays true.

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "os/fd.h"

namespace ecluse::shim {

class LogFiles {
 public:
  LogFiles(std::string folder, std::uint64_t bytes_max, int files_max)
      : folder_(std::move(folder)), bytes_max_(bytes_max), files_max_(files_max) {}

  /// Goes on in the newest file, or begins the first.
  Result<void> open();
  /// Appends; a full disk loses `bytes` and says so in the log as soon as there is room.
  void write(std::string_view bytes);

 private:
  Result<void> open_at(std::uint64_t offset);
  bool append(std::string_view bytes);
  void rotate();
  void forget_old();

  std::string folder_;
  std::uint64_t bytes_max_;
  int files_max_;
  os::Fd file_;
  std::uint64_t begin_ = 0;  ///< offset of the file's first byte
  std::uint64_t size_ = 0;   ///< of the file
  std::uint64_t lost_ = 0;
};

/// The name of the file that begins at `offset`; sorts as the offsets do.
std::string log_name(std::uint64_t offset);

}  // namespace ecluse::shim
