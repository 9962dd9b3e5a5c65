#pragma once
// An owned file descriptor, and the few calls everybody makes with one.

#include <string_view>
#include <utility>

#include "base/result.h"

namespace ecluse::os {

/// Owns one descriptor and closes it. Movable, not copyable.
class Fd {
 public:
  Fd() = default;
  explicit Fd(int fd) : fd_(fd) {}
  Fd(Fd&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  Fd& operator=(Fd&& other) noexcept {
    if (this != &other) reset(std::exchange(other.fd_, -1));
    return *this;
  }
  Fd(const Fd&) = delete;
  Fd& operator=(const Fd&) = delete;
  ~Fd() { reset(); }

  int get() const { return fd_; }
  explicit operator bool() const { return fd_ >= 0; }
  int release() { return std::exchange(fd_, -1); }
  void reset(int fd = -1);

 private:
  int fd_ = -1;
};

/// Writes all of `bytes`, whatever the kernel takes at once.
Result<void> write_all(int fd, std::string_view bytes);

}  // namespace ecluse::os
