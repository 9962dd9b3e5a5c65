#include "runtime/process/etc_files.h"

#include <fmt/format.h>

#include "base/text.h"
#include "os/file.h"
#include "runtime/process/fresh_file.h"
#include "runtime/process/listening.h"

namespace ecluse::runtime {

namespace {
constexpr std::size_t kFileBytesMax = 4 << 20;
constexpr std::string_view kServer = "nameserver";

std::string text_of(const char* path) {
  const auto text = os::read_file(path, kFileBytesMax);
  return text ? *text : std::string();  // an absent file is an empty one here
}

bool is_local_server(std::string_view line) {
  return line.starts_with(kServer) && is_loopback(trim(line.substr(kServer.size())));
}

/// "localhost" is 127.0.0.1 alone, because ::1 cannot be reached from outside the namespace.
std::string hosts_text(std::string_view host_file) {
  std::string text = "127.0.0.1 localhost\n";
  for (const std::string& line : split(host_file, '\n')) {
    const std::string_view entry = trim(line);
    if (entry.empty() || entry.find(':') != std::string_view::npos) continue;
    if (entry.starts_with("127.0.0.1")) continue;
    text += std::string(entry) + "\n";
  }
  return text;
}

std::string ended(std::string text) {
  if (!text.empty() && text.back() != '\n') text += '\n';
  return text;
}
}  // namespace

bool names_a_server(std::string_view resolv_conf) {
  for (const std::string& line : split(resolv_conf, '\n')) {
    if (trim(line).starts_with(kServer)) return true;
  }
  return false;
}

std::string reachable_resolv_conf(std::string_view text, std::string_view upstream) {
  std::string kept;
  for (const std::string& line : split(text, '\n')) {
    if (!trim(line).empty() && !is_local_server(trim(line))) kept += line + "\n";
  }
  if (names_a_server(kept) || upstream.empty()) return kept;
  return reachable_resolv_conf(upstream, {});
}

Result<void> write_etc(const std::filesystem::path& folder, const Account& account) {
  ECLUSE_TRY(os::make_folder(folder));
  ECLUSE_TRY(write_again(
      folder / "passwd",
      ended(text_of("/etc/passwd")) +
          fmt::format("{0}:x:{1}:{1}:ecluse:/tmp:/usr/sbin/nologin\n", account.name, account.uid)));
  ECLUSE_TRY(write_again(
      folder / "group",
      ended(text_of("/etc/group")) + fmt::format("{0}:x:{1}:\n", account.name, account.uid)));
  ECLUSE_TRY(write_again(folder / "hosts", hosts_text(text_of("/etc/hosts"))));
  return write_again(folder / "resolv.conf",
                     reachable_resolv_conf(text_of("/etc/resolv.conf"),
                                           text_of("/run/systemd/resolve/resolv.conf")));
}

}  // namespace ecluse::runtime
