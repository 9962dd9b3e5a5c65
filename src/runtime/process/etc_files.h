#pragma once
// The files of /etc that an instance sees differently from its host.

#include <filesystem>
#include <string>
#include <string_view>

#include "base/result.h"
#include "runtime/process/account.h"

namespace ecluse::runtime {

/// Writes passwd, group, hosts and resolv.conf for `account` into `folder`.
Result<void> write_etc(const std::filesystem::path& folder, const Account& account);

/// The text of a resolv.conf without servers on loopback, which a namespace of its own cannot
/// reach. `upstream` is what a local stub itself asks (systemd-resolved), used when none is left.
std::string reachable_resolv_conf(std::string_view text, std::string_view upstream);
/// Whether it names a server at all.
bool names_a_server(std::string_view resolv_conf);

}  // namespace ecluse::runtime
