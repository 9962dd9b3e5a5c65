#pragma once
// The mechanical half of mending: what `ecluse check --fix` writes. Pure: bytes in, bytes out. A
// remedy is offered only where what it writes is right whatever else the file says; the rest is the
// text of a rule's page.

#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "preflight/facts/repository.h"
#include "preflight/rules/finding.h"

namespace ecluse::preflight {

struct FileChange {
  std::string path;                   ///< from the top of the repository
  std::optional<std::string> before;  ///< its bytes; nothing: the file is new
  std::string after;
  std::string moved_to;            ///< not empty: it gets this name, `after` is as before
  std::vector<std::string> rules;  ///< whose findings it mends
  bool operator==(const FileChange&) const = default;
};

/// The bytes of a file; nothing when there is none or it cannot be read.
using ReadBytes = std::function<std::optional<std::string>(std::string_view path)>;

/// One change a file, by path. Accepted findings are left alone. After the changes are written no
/// mended finding is found again, and remedies() of what then is found is empty for them.
std::vector<FileChange> remedies(std::span<const Finding> findings, const Repository& repository,
                                 const ReadBytes& read);

/// The rules that have a remedy, for people.
std::span<const std::string_view> mended_rules();

/// As `diff -u` writes it, a/PATH to b/PATH; bytes that are no UTF-8 text are decoded for it first.
std::string unified_diff(const FileChange& change);

}  // namespace ecluse::preflight
