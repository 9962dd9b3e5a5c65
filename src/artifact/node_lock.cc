#include "artifact/node_lock.h"

#include <algorithm>
#include <array>
#include <fstream>
#include <optional>
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

/// Of yarn.lock since Yarn 2, and the newest Yarn that writes it: another one would write another.
constexpr std::array kBerries = {
    Format{"version: 10\n", "4.18.1"}, Format{"version: 9\n", "4.14.1"},
    Format{"version: 8\n", "4.12.0"},  Format{"version: 6\n", "3.8.7"},
    Format{"version: 5\n", "3.1.1"},   Format{"version: 4\n  cacheKey: 8", "3.0.1"},
    Format{"version: 4\n", "2.4.2"}};

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

std::vector<std::string> berry(bool exactly) {
  return {"install", exactly ? "--immutable" : "--no-immutable"};
}

std::vector<std::string> pnpm(bool exactly, bool development, const std::string& cache) {
  std::vector<std::string> words = {"install", "--reporter=append-only",
                                    "--package-import-method=copy", "--store-dir", cache};
  words.emplace_back(exactly ? "--frozen-lockfile" : "--no-frozen-lockfile");
  // Without either it takes what NODE_ENV says.
  words.emplace_back(development ? "--prod=false" : "--prod");
  return words;
}

std::optional<NodeManager> yarn_of(const std::string& head) {
  if (head.find("# yarn lockfile v1") != std::string::npos)
    return NodeManager{"yarn", std::string(kYarn), "yarn.lock"};
  const auto data = head.find("__metadata:");
  if (data == std::string::npos) return std::nullopt;
  for (const auto& format : kBerries)
    if (head.find(format.head, data) != std::string::npos)
      return NodeManager{"yarn", std::string(format.version), "yarn.lock"};
  return std::nullopt;
}

std::optional<NodeManager> pnpm_of(const std::string& head) {
  for (const auto& format : kPnpms)
    if (head.starts_with(format.head))
      return NodeManager{"pnpm", std::string(format.version), "pnpm-lock.yaml"};
  return std::nullopt;
}

}  // namespace

std::string NodeManager::package() const {
  return (berry() ? "@yarnpkg/cli-dist" : name) + "@" + version;
}

NodeManager manager_of(const fs::path& folder, std::string_view wanted) {
  std::vector<NodeManager> found;
  for (const auto* name : {"npm-shrinkwrap.json", "package-lock.json"})
    if (os::is_there(folder / name)) found.push_back({"npm", "", name});
  if (auto yarn = yarn_of(head_of(folder / "yarn.lock"))) found.push_back(std::move(*yarn));
  if (auto pnpm = pnpm_of(head_of(folder / "pnpm-lock.yaml"))) found.push_back(std::move(*pnpm));
  const auto chosen =
      std::ranges::find(found, wanted.substr(0, wanted.find('@')), &NodeManager::name);
  if (chosen != found.end()) return *chosen;
  return found.empty() ? NodeManager{} : found.front();
}

std::map<std::string, std::string> berry_settings(const std::string& cache) {
  return {{"YARN_IGNORE_PATH", "1"},
          {"YARN_NODE_LINKER", "node-modules"},
          {"YARN_ENABLE_GLOBAL_CACHE", "true"},
          {"YARN_GLOBAL_FOLDER", cache + "/yarn-berry"},
          {"YARN_ENABLE_TELEMETRY", "false"},
          {"YARN_ENABLE_PROGRESS_BARS", "false"}};
}

std::vector<std::string> install_arguments(const NodeManager& manager, bool exactly,
                                           bool development, const std::string& cache) {
  const auto place = cache + "/" + manager.name;
  if (manager.berry()) return berry(exactly);
  if (manager.name == "yarn") return yarn(exactly, development, place);
  if (manager.name == "pnpm") return pnpm(exactly, development, place);
  return npm(exactly, development);
}

}  // namespace ecluse::artifact
