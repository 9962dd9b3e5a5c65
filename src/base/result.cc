#include "base/result.h"

#include <fmt/format.h>

#include <cerrno>
#include <cstring>

namespace ecluse {

std::string_view to_string(ErrorKind kind) {
  switch (kind) {
    case ErrorKind::kInvalid:
      return "invalid";
    case ErrorKind::kNotFound:
      return "not-found";
    case ErrorKind::kConflict:
      return "conflict";
    case ErrorKind::kRefused:
      return "refused";
    case ErrorKind::kUnavailable:
      return "unavailable";
    case ErrorKind::kTimeout:
      return "timeout";
    case ErrorKind::kExhausted:
      return "exhausted";
    case ErrorKind::kInternal:
      return "internal";
  }
  return "internal";
}

Error in_context(std::string_view context, Error error) {
  error.message = fmt::format("{}: {}", context, error.message);
  return error;
}

namespace {
ErrorKind kind_of_errno(int code) {
  switch (code) {
    case ENOENT:
    case ENOTDIR:
    case ESRCH:
      return ErrorKind::kNotFound;
    case EEXIST:
    case EADDRINUSE:
    case EBUSY:
    case ENOTEMPTY:
      return ErrorKind::kConflict;
    case EACCES:
    case EPERM:
    case EROFS:
      return ErrorKind::kRefused;
    case ENOSPC:
    case EDQUOT:
    case EMFILE:
    case ENFILE:
    case ENOMEM:
      return ErrorKind::kExhausted;
    case ETIMEDOUT:
      return ErrorKind::kTimeout;
    case ECONNREFUSED:
    case ECONNRESET:
    case EPIPE:
    case EHOSTUNREACH:
    case ENETUNREACH:
    case EAGAIN:
      return ErrorKind::kUnavailable;
    case EINVAL:
    case ENAMETOOLONG:
    case ELOOP:
      return ErrorKind::kInvalid;
    default:
      return ErrorKind::kInternal;
  }
}
}  // namespace

Error from_errno(int code, std::string_view what) {
  return Error{kind_of_errno(code), fmt::format("{}: {}", what, std::strerror(code)), {}};
}

}  // namespace ecluse
