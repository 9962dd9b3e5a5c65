#pragma once
// Where a repository is: a folder of this machine or an address. Decides what git may speak to
// reach it, and what a submodule's URL means beside it. Pure: nothing is looked up.

#include <string>
#include <string_view>

#include "base/result.h"

namespace ecluse::artifact {

struct Repository {
  bool local = false;
  std::string place;     ///< absolute path, or the URL
  std::string protocol;  ///< what git may speak: file, https, http, ssh or git
  bool operator==(const Repository&) const = default;
};

/// An absolute path, file://, https://, http://, ssh://, git:// or user@host:path. Anything else
/// (relative paths, ext::, options) is Invalid or Refused.
Result<Repository> parse_repository(std::string_view text);

/// What `url` of .gitmodules means beside `parent`: "./x" and "../x" are relative to it, and a
/// local path must stay inside the folder that holds `parent` (Refused otherwise, or when `parent`
/// is not local at all).
Result<Repository> submodule_repository(const Repository& parent, std::string_view url);

}  // namespace ecluse::artifact
