#pragma once
// The app's own pages that stand in files of a release.

#include <map>
#include <string>

#include "base/result.h"
#include "ports/traffic.h"

namespace ecluse::gateway {

/// Blocking. Invalid names the first page that cannot be served: no such file below the release,
/// not a regular one, larger than kPageBytesMax.
Result<void> check_page_files(const ports::Site& site);

/// Blocking. Every page of the site, those of files read; what cannot be read is complained about
/// in the log and left out: a site is served without it.
std::map<std::string, std::string> pages_of(const ports::Site& site);

}  // namespace ecluse::gateway
