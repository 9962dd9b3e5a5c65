#include "runtime/process/shim/failure.h"

#include <cerrno>
#include <cstring>

namespace ecluse::shim {

namespace {
ErrorKind kind_of(int code) {
  switch (code) {
    case ENOENT:
      return ErrorKind::kNotFound;
    case EACCES:
    case EPERM:
      return ErrorKind::kRefused;
    case ENOSPC:
    case ENOMEM:
    case EMFILE:
      return ErrorKind::kExhausted;
    default:
      return ErrorKind::kInternal;
  }
}
}  // namespace

tl::unexpected<Error> failed(const std::string& what) {
  const int code = errno;
  return fail(kind_of(code), what + ": " + std::strerror(code));
}

}  // namespace ecluse::shim
