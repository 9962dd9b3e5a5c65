#pragma once
// What may fail in the world returns Result<T>. An Error says what happened, to what, why, and what
// to do next; each layer that knows more puts its words in front with in_context().

#include <string>
#include <string_view>
#include <tl/expected.hpp>
#include <utility>

namespace ecluse {

/// Why something failed, as far as a caller must tell the cases apart.
enum class ErrorKind {
  kInvalid,      ///< the input is wrong; repeating it will not help
  kNotFound,     ///< what was named does not exist
  kConflict,     ///< it exists already, or somebody else holds it, or a newer decision stands
  kRefused,      ///< a gate, a permission or a limit of policy said no
  kUnavailable,  ///< the other side is down or does not answer; may work later
  kTimeout,      ///< a named deadline passed
  kExhausted,    ///< disk, memory, descriptors, or a named bound is used up
  kInternal,     ///< a mistake of ours, or a state we cannot explain
};

std::string_view to_string(ErrorKind kind);

struct Error {
  ErrorKind kind = ErrorKind::kInternal;
  std::string message;  ///< one sentence without a full stop, in the user's words
  std::string hint;     ///< what to do next; may be empty
};

template <typename T>
using Result = tl::expected<T, Error>;

inline tl::unexpected<Error> fail(ErrorKind kind, std::string message, std::string hint = {}) {
  return tl::unexpected<Error>(Error{kind, std::move(message), std::move(hint)});
}
inline tl::unexpected<Error> fail(Error error) {
  return tl::unexpected<Error>(std::move(error));
}

/// `context: message`, keeping kind and hint. Called once per layer.
Error in_context(std::string_view context, Error error);

/// The error of errno `code` for `what`, e.g. "open /x: no such file or directory", with the kind
/// that fits (ENOENT: NotFound, ENOSPC, EMFILE, ENOMEM: Exhausted, EACCES, EPERM: Refused, ...).
Error from_errno(int code, std::string_view what);

}  // namespace ecluse

/// Returns the error of `expression` from the enclosing function, if it has one.
#define ECLUSE_TRY(expression)                                  \
  do {                                                          \
    if (auto ecluse_result_ = (expression); !ecluse_result_)    \
      return ::ecluse::fail(std::move(ecluse_result_).error()); \
  } while (false)

#define ECLUSE_CONCAT_INNER_(a, b) a##b
#define ECLUSE_CONCAT_(a, b) ECLUSE_CONCAT_INNER_(a, b)
/// `ECLUSE_ASSIGN(auto x, f());` declares x from f()'s value or returns its error.
#define ECLUSE_ASSIGN(declaration, expression)                                          \
  auto ECLUSE_CONCAT_(ecluse_assign_, __LINE__) = (expression);                         \
  if (!ECLUSE_CONCAT_(ecluse_assign_, __LINE__))                                        \
    return ::ecluse::fail(std::move(ECLUSE_CONCAT_(ecluse_assign_, __LINE__)).error()); \
  declaration = std::move(*ECLUSE_CONCAT_(ecluse_assign_, __LINE__))
