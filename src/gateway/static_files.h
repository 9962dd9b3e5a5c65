#pragma once
// Files of a release that we serve ourselves: which file a path means, and what a conditional or a
// partial request gets of it (RFC 9110 sections 13 and 14). No socket here.

#include <cstdint>
#include <ctime>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "gateway/http1_head.h"
#include "os/fd.h"

namespace ecluse::gateway {

/// Folders that answer for one path prefix. The first that has the file wins: what a release job
/// wrote lies above what was built.
struct FolderRoute {
  std::string prefix;  ///< "/static", without a slash at its end
  std::vector<std::shared_ptr<const os::Fd>> roots;
  std::uint64_t salt = 0;  ///< of entity tags: another release has others, whatever its dates say
};

/// The folder for `path`, or null; `path` may have a query.
const FolderRoute* folder_for(const std::vector<FolderRoute>& folders, std::string_view path);

/// `path` behind the prefix as a relative name: decoded, without a query; a folder's is its
/// index.html. Nothing when it is no name we serve: control characters, an encoded slash, "..",
/// names that begin with a dot (other than .well-known).
std::optional<std::string> relative_name(std::string_view path, std::string_view prefix);

struct StaticFile {
  os::Fd fd;
  std::uint64_t bytes = 0;
  std::string_view type;      ///< "text/css; charset=utf-8"
  std::string_view encoding;  ///< "br", "gzip" or empty
  std::string entity_tag;     ///< with its quotes
  std::string modified;       ///< as Last-Modified says it
  std::time_t modified_at = 0;
  bool varies = false;  ///< another Accept-Encoding may get another one
};

/// Opens the file below the folder, never outside of it, whatever links say (openat2 with
/// RESOLVE_BENEATH, Linux 5.6), and only a regular one. A sibling NAME.br or NAME.gz is taken if
/// the client accepts it and asks for no range.
std::optional<StaticFile> open_static(const FolderRoute& folder, const std::string& name,
                                      const http1::Fields& fields);

/// Null: there is no such file below the folder. Never outside of it, whatever links say.
os::Fd open_below(const std::string& root, const std::string& name);

/// What the request gets.
struct Share {
  int status = 200;  ///< 200, 206, 304, 412 or 416
  std::uint64_t begin = 0;
  std::uint64_t end = 0;  ///< behind the last byte
};
/// A range is for GET alone: RFC 9110 section 14.2.
Share share_of(std::string_view method, const http1::Fields& fields, const StaticFile& file);

std::string_view content_type_of(std::string_view name);

}  // namespace ecluse::gateway
