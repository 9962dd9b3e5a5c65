#include "artifact/node_lock.h"

#include <array>
#include <fstream>
#include <string_view>

#include "os/file.h"

namespace ecluse::artifact {

namespace fs = std::filesystem;

namespace {

constexpr std::size_t kHeadBytes = 256;
constexpr std::string_view kYarn = "1.22.22";

struct Format {
  std::string_view head;  ///< of the lock file
  std::string_view version;
};
/// Of pnpm-lock.yaml, and the newest pnpm that writes it.
constexpr std::array kPnpms = {
    Format{"lockfileVersion: '9", "9.15.9"}, Format{"lockfileVersion: '6", "8.15.9"},
    Format{"lockfileVersion: 5", "7.33.7"}, Format{"lockfileVersion: '5", "7.33.7"}};

std::string head_of(const fs::path& file) {
  std::string head(kHeadBytes, '\0');
  std::ifstream in(file, std::ios::binary);
  in.read(head.data(), static_cast<std::streamsize>(head.size()));
  head.resize(static_cast<std::size_t>(in.gcount()));
  return head;
}

std::vector<std::string> npm(bool exactly, bool development) {
  return {exactly ? "ci" : "install", "--no-audit", "--no-fund", "--no-update-notifier",
          development ? "--include=dev" : "--omit=dev"};
}

std::vector<std::string> yarn(bool exactly, bool development, const std::string& cache) {
  std::vector<std::string> words = {"install", "--non-interactive", "--no-progress",
                                    "--cache-folder", cache};
  words.emplace_back(development ? "--production=false" : "--production=true");
  words.emplace_back(exactly ? "--frozen-lockfile" : "--pure-lockfile");
  return words;
}

std::vector<std::string> pnpm(bool exactly, bool development, const std::string& cache) {
  std::vector<std::string> words = {"install", "--reporter=append-only",
                                    "--package-import-method=copy", "--store-dir", cache};
  words.emplace_back(exactly ? "--frozen-lockfile" : "--no-frozen-lockfile");
  // Without either it takes what NODE_ENV says.
  words.emplace_back(development ? "--prod=false" : "--prod");
  return words;
}

}  // namespace

NodeManager manager_of(const fs::path& folder) {
  for (const auto* name : {"npm-shrinkwrap.json", "package-lock.json"})
    if (os::is_there(folder / name)) return {"npm", "", name};
  if (head_of(folder / "yarn.lock").find("# yarn lockfile v1") != std::string::npos)
    return {"yarn", std::string(kYarn), "yarn.lock"};
  const auto head = head_of(folder / "pnpm-lock.yaml");
  for (const auto& format : kPnpms)
    if (head.starts_with(format.head))
      return {"pnpm", std::string(format.version), "pnpm-lock.yaml"};
  return {};
}

std::vector<std::string> install_arguments(const NodeManager& manager, bool exactly,
                                           bool development, const std::string& cache) {
  const auto place = cache + "/" + manager.name;
  if (manager.name == "yarn") return yarn(exactly, development, place);
  if (manager.name == "pnpm") return pnpm(exactly, development, place);
  return npm(exactly, development);
}

}  // namespace ecluse::artifact
