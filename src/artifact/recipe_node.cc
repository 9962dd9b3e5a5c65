#include <fmt/format.h>

#include <array>
#include <nlohmann/json.hpp>

#include "artifact/interpreter.h"
#include "artifact/part_path.h"
#include "artifact/recipes.h"
#include "artifact/sha256.h"
#include "artifact/tree.h"
#include "base/text.h"
#include "os/file.h"

namespace ecluse::artifact {

namespace fs = std::filesystem;
using nlohmann::json;

namespace {
constexpr std::string_view kLayerFormat = "node-modules-1";
constexpr std::size_t kManifestBytesMax = 64 << 20;
constexpr std::array<std::string_view, 2> kLockFiles = {"npm-shrinkwrap.json", "package-lock.json"};

/// A package's scripts that npm runs when it installs: what they do depends on the whole tree.
constexpr std::array<std::string_view, 6> kInstallScripts = {
    "preinstall", "install", "postinstall", "prepublish", "preprepare", "prepare"};

struct Package {
  std::string manifest;
  std::string lock;       ///< empty: there is none
  std::string lock_file;  ///< its name
  /// What npm installs follows from the two files: no scripts of its own, no folder of the tree.
  bool closed = false;
  bool prepares = false;  ///< npm runs scripts of its own when it installs
};

bool has_install_script(const json& manifest) {
  const json scripts = manifest.value("scripts", json::object());
  for (const auto name : kInstallScripts) {
    if (scripts.is_object() && scripts.contains(name)) return true;
  }
  return false;
}

Result<Package> read_package(const fs::path& folder) {
  Package package;
  auto manifest = os::read_file(folder / "package.json", kManifestBytesMax);
  if (!manifest) {
    return fail(ErrorKind::kInvalid, "there is no package.json",
                "name the folder that has one: `node: FOLDER`, or `root:` of the process");
  }
  package.manifest = std::move(*manifest);
  const json parsed = json::parse(package.manifest, nullptr, false);
  if (!parsed.is_object()) return fail(ErrorKind::kInvalid, "package.json is not a JSON object");
  for (const auto name : kLockFiles) {
    if (!fs::exists(folder / name)) continue;
    ECLUSE_ASSIGN(package.lock, os::read_file(folder / name, kManifestBytesMax));
    package.lock_file = name;
    break;
  }
  package.prepares = has_install_script(parsed);
  package.closed = !package.lock.empty() && !package.prepares && !parsed.contains("workspaces") &&
                   package.lock.find("\"file:") == std::string::npos &&
                   package.lock.find("\"link\": true") == std::string::npos;
  return package;
}

/// Development packages are left out when nothing is left to be built with them. What `prepare` and
/// its kin call is one of them as a rule (husky, tsc), and without it npm fails.
bool wants_development(const Part& part, Purpose purpose, const Package& package) {
  return purpose == Purpose::kCheck || !part.build.run.empty() || package.prepares;
}

/// Of explain_failure(): the lock file was forgotten when package.json changed.
constexpr std::string_view kStaleLock = "package-lock.json does not fit package.json";

Result<void> npm(Workshop& workshop, const Part& part, const Package& package, bool development) {
  const bool locked = !package.lock.empty();
  if (!locked) {
    workshop.say(
        "warning: no package-lock.json: the packages are whatever is newest today; run "
        "`npm install` and commit the lock file");
  }
  const auto run = [&](const std::string& command) {
    return workshop.run({.what = "npm " + command,
                         .argv = {"npm", command, "--no-audit", "--no-fund", "--no-update-notifier",
                                  development ? "--include=dev" : "--omit=dev"},
                         .root = part.root});
  };
  auto done = run(locked ? "ci" : "install");
  const bool stale = !done && done.error().message.find(kStaleLock) != std::string::npos;
  if (!stale) return done;
  workshop.say(
      "warning: package-lock.json does not fit package.json: the packages are whatever is newest "
      "today; run `npm install` and commit the lock file");
  return run("install");
}

std::string layer_key(const Part& part, const std::string& tools, const Package& package,
                      bool development) {
  return Sha256()
      .add_field(kLayerFormat)
      .add_field(part.root)
      .add_field(tools)
      .add_field(development ? "development" : "production")
      .add_field(package.manifest)
      .add_field(package.lock)
      .hex();
}

Result<void> install_closed(Workshop& workshop, const Part& part, const Package& package,
                            bool development) {
  ECLUSE_ASSIGN(const std::string tools, node_tools(part));
  const std::string key = layer_key(part, tools, package, development);
  const fs::path modules = workshop.folder(in_root(part, "node_modules"));
  ECLUSE_ASSIGN(const bool laid, workshop.layers().lay(key, modules));
  if (laid) {
    workshop.say(
        fmt::format("{} is unchanged: its packages are taken from the cache", package.lock_file));
    return {};
  }
  ECLUSE_TRY(npm(workshop, part, package, development));
  if (!fs::exists(modules)) return {};  // a package without dependencies
  return workshop.layers().keep(key, modules, workshop.place().time);
}

Result<void> drop_committed_modules(Workshop& workshop, const Part& part) {
  const fs::path modules = workshop.folder(in_root(part, "node_modules"));
  if (!fs::exists(fs::symlink_status(modules))) return {};
  workshop.say("warning: node_modules is committed; it is replaced, remove it from git");
  return remove_tree(modules);
}
}  // namespace

Result<std::string> node_tools(const Part& part) {
  ECLUSE_ASSIGN(const Interpreter node, find_node(part.build.version));
  return fmt::format("node {} {}", node.version, node.program.string());
}

Result<void> build_node(Workshop& workshop, const Part& part, Purpose purpose) {
  ECLUSE_TRY(node_tools(part));
  auto package = read_package(workshop.folder(part.root));
  if (!package) return fail(in_context(part.root.empty() ? "node" : part.root, package.error()));
  ECLUSE_TRY(drop_committed_modules(workshop, part));
  workshop.env().erase("npm_config_include");  // of another part
  const bool development = wants_development(part, purpose, *package);
  ECLUSE_TRY(package->closed ? install_closed(workshop, part, *package, development)
                             : npm(workshop, part, *package, development));
  // For the lines of `run`: bundlers leave their development aids out.
  if (purpose == Purpose::kRelease) workshop.env()["NODE_ENV"] = "production";
  // A line that installs another folder's packages (`npm install --prefix client`) builds there
  // next.
  workshop.env()["npm_config_include"] = "dev";
  return {};
}

}  // namespace ecluse::artifact
