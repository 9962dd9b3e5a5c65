#pragma once
// A folder seen with another owner: what is root's on disk belongs to the app's user inside, so
// that a release job may write into folders that the artifact brought along.

#include <sys/types.h>

#include <string>

#include "base/result.h"

namespace ecluse::shim {

/// Mounts `source` at `target`, its files of uid and gid 0 shown as `uid`'s. Linux 5.19 and a file
/// system that knows idmapped mounts. In a private mount namespace, as root.
Result<void> mount_as(uid_t uid, const std::string& source, const std::string& target);

}  // namespace ecluse::shim
