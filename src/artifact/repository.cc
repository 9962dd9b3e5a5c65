#include "artifact/repository.h"

#include <fmt/format.h>

#include <array>
#include <filesystem>

#include "artifact/git_command.h"
#include "base/text.h"

namespace ecluse::artifact {

namespace {
constexpr std::array<std::string_view, 4> kProtocols = {"https", "http", "ssh", "git"};

std::string normal(std::string_view path) {
  std::string text = std::filesystem::path(path).lexically_normal().string();
  while (text.size() > 1 && text.back() == '/') text.pop_back();
  return text;
}

tl::unexpected<Error> refused(std::string_view text, std::string_view why) {
  return fail(ErrorKind::kRefused,
              fmt::format("repository {}: {}", printable(without_credentials(text)), why),
              "give an absolute path, https://... or ssh://...");
}

Result<Repository> with_scheme(std::string_view text, std::size_t scheme_end) {
  const std::string_view scheme = text.substr(0, scheme_end);
  if (scheme == "file") return Repository{true, normal(text.substr(scheme_end + 3)), "file"};
  for (const auto protocol : kProtocols) {
    if (scheme == protocol) return Repository{false, std::string(text), std::string(protocol)};
  }
  return refused(text, fmt::format("the protocol {} is not spoken", printable(scheme)));
}

bool looks_like_scp(std::string_view text) {
  const std::size_t colon = text.find(':');
  return colon != std::string_view::npos && colon > 0 && text.find('/') > colon &&
         text.substr(colon, 2) != "::";
}

/// `../lib` beside `https://host/team/app` is `https://host/team/lib`, as git resolves it.
std::string beside(std::string place, std::string_view relative) {
  while (!place.empty() && place.back() == '/') place.pop_back();
  while (relative.starts_with("./") || relative.starts_with("../")) {
    if (relative.starts_with("../")) {
      const std::size_t cut = place.find_last_of("/:");
      place.resize(cut == std::string::npos ? 0 : cut);
      relative.remove_prefix(3);
    } else {
      relative.remove_prefix(2);
    }
  }
  return place + "/" + std::string(relative);
}

bool is_inside(const std::string& path, const std::string& folder) {
  return path.starts_with(folder == "/" ? folder : folder + "/");
}
}  // namespace

Result<Repository> parse_repository(std::string_view text) {
  if (text.empty()) return refused(text, "is empty");
  if (text.front() == '-') return refused(text, "starts with a dash");
  if (text.front() == '/') return Repository{true, normal(text), "file"};
  if (const auto scheme_end = text.find("://"); scheme_end != std::string_view::npos) {
    return with_scheme(text, scheme_end);
  }
  if (looks_like_scp(text)) return Repository{false, std::string(text), "ssh"};
  return refused(text, "is neither an absolute path nor an address");
}

Result<Repository> submodule_repository(const Repository& parent, std::string_view url) {
  const bool relative = url.starts_with("./") || url.starts_with("../");
  ECLUSE_ASSIGN(Repository found,
                parse_repository(relative ? beside(parent.place, url) : std::string(url)));
  if (!found.local) return found;
  const std::string root = std::filesystem::path(parent.place).parent_path().string();
  if (!parent.local || !is_inside(found.place, root)) {
    return fail(ErrorKind::kRefused,
                fmt::format("submodule at {}: a local submodule must lie beside its repository{}",
                            printable(found.place), parent.local ? ", inside " + root : ""),
                "move it there, or give its address");
  }
  return found;
}

}  // namespace ecluse::artifact
