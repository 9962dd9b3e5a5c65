#include <fmt/format.h>

#include <array>
#include <nlohmann/json.hpp>
#include <system_error>

#include "artifact/interpreter.h"
#include "artifact/node_lock.h"
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
constexpr std::string_view kLayerFormat = "node-modules-2";
constexpr std::size_t kManifestBytesMax = 64 << 20;

/// A package's scripts that npm runs when it installs: what they do depends on the whole tree.
constexpr std::array<std::string_view, 6> kInstallScripts = {
    "preinstall", "install", "postinstall", "prepublish", "preprepare", "prepare"};

struct Package {
  std::string manifest;
  NodeManager manager;
  std::string lock;  ///< empty: there is none
  /// What is installed follows from the two files: no scripts of its own, no folder of the tree.
  bool closed = false;
  bool prepares = false;  ///< scripts of its own run at every installation
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
  const auto wanted = parsed.find("packageManager");
  const bool named = wanted != parsed.end() && wanted->is_string();
  package.manager = manager_of(folder, named ? wanted->get<std::string>() : "");
  if (const auto& name = package.manager.lock_file; !name.empty()) {
    ECLUSE_ASSIGN(package.lock, os::read_file(folder / name, kManifestBytesMax));
  }
  package.prepares = has_install_script(parsed);
  // Yarn 2 and later ask for a note that only their own installation leaves (.yarn/).
  package.closed = !package.lock.empty() && !package.manager.berry() && !package.prepares &&
                   !parsed.contains("workspaces") &&
                   !os::is_there(folder / "pnpm-workspace.yaml") &&
                   package.lock.find("file:") == std::string::npos &&
                   package.lock.find("link:") == std::string::npos &&
                   package.lock.find("\"link\": true") == std::string::npos;
  return package;
}

/// Development packages are left out when nothing is left to be built with them. What `prepare` and
/// its kin call is one of them as a rule (husky, tsc), and without it npm fails.
bool wants_development(const Part& part, Purpose purpose, const Package& package) {
  return purpose == Purpose::kCheck || !part.build.run.empty() || package.prepares;
}

/// Yarn and pnpm, which no distribution brings: installed once for all apps. Only these steps may
/// write there: nothing of an app's repository runs in them.
Result<void> require(Workshop& workshop, const NodeManager& manager) {
  if (manager.version.empty()) return {};
  const auto package = manager.name + "-" + manager.version;
  const auto place = workshop.inside_tmp("tools/" + package);
  const auto step = [&](std::vector<std::string> argv) {
    return workshop.run({.what = "installing " + package,
                         .argv = std::move(argv),
                         .tools = Workshop::ToolsAccess::kWrite});
  };
  if (!fs::exists(workshop.place().tools / package / "complete")) {
    workshop.say(
        fmt::format("{} is not here yet: installing it from the package registry", package));
    ECLUSE_TRY(step({"npm", "install", "--no-audit", "--no-fund", "--no-update-notifier",
                     "--prefix", place, manager.package()}));
    ECLUSE_TRY(step({"/bin/touch", place + "/complete"}));
  }
  // For the lines of `run`, too: `yarn build`.
  auto& path = workshop.env()["PATH"];
  if (const auto programs = place + "/node_modules/.bin"; path.find(programs) == std::string::npos)
    path = programs + ":" + path;
  return {};
}

/// Yarn 2 and later read no settings of npm, which say where this machine's packages come from.
constexpr const char* kAsNpm = R"(registry=$(npm config get registry 2>/dev/null)
case $registry in
  http://*) host=${registry#http://}; export YARN_UNSAFE_HTTP_WHITELIST="${host%%[:/]*}" ;;
esac
export YARN_NPM_REGISTRY_SERVER="${registry%/}"
proxy=${https_proxy:-$HTTPS_PROXY}
[ -z "$proxy" ] || export YARN_HTTPS_PROXY="$proxy"
proxy=${http_proxy:-$HTTP_PROXY}
[ -z "$proxy" ] || export YARN_HTTP_PROXY="$proxy"
exec "$@")";

/// In front of the manager's own words. A project that names a registry itself is left to it.
std::vector<std::string> words_before(const Workshop& workshop, const Part& part,
                                      const NodeManager& manager) {
  if (!manager.berry()) return {};
  const auto settings = os::read_file(workshop.folder(in_root(part, ".yarnrc.yml")), 1 << 16);
  if (settings && settings->find("npmRegistryServer") != std::string::npos) return {};
  return {"/bin/sh", "-c", kAsNpm, "sh"};
}

/// For the lines of `run`, too; and not for another part, which may have another manager.
void settle_environment(Workshop& workshop, const NodeManager& manager) {
  for (const auto& [name, value] : berry_settings(workshop.inside_tmp("cache"))) {
    workshop.env().erase(name);
    if (manager.berry()) workshop.env()[name] = value;
  }
}

/// Times of its own, which no build can make again; only pnpm's next installation would read them.
Result<void> drop_notes_of_pnpm(const Workshop& workshop, const Part& part) {
  std::error_code error;
  fs::remove(workshop.folder(in_root(part, "node_modules/.modules.yaml")), error);
  if (error) return fail(from_errno(error.value(), "removing node_modules/.modules.yaml"));
  return {};
}

/// Of explain_failure(): the lock file was forgotten when package.json changed.
constexpr std::string_view kStaleLock = "the lock file does not fit package.json";

Result<void> install(Workshop& workshop, const Part& part, const Package& package,
                     bool development) {
  const auto& manager = package.manager;
  const bool locked = !package.lock.empty();
  if (!locked) {
    workshop.say(
        "warning: no package-lock.json, yarn.lock or pnpm-lock.yaml of a known version: the "
        "packages are whatever is newest today; run `npm install` and commit the lock file");
  }
  ECLUSE_TRY(require(workshop, manager));
  const auto run = [&](bool exactly) {
    auto argv = words_before(workshop, part, manager);
    argv.push_back(manager.name);
    for (auto& word :
         install_arguments(manager, exactly, development, workshop.inside_tmp("cache")))
      argv.push_back(std::move(word));
    return workshop.run(
        {.what = manager.name + (exactly && manager.name == "npm" ? " ci" : " install"),
         .argv = argv,
         .root = part.root});
  };
  auto done = run(locked);
  if (!done && done.error().message.find(kStaleLock) != std::string::npos) {
    workshop.say(fmt::format(
        "warning: {} does not fit package.json: what it does not name is whatever is newest today; "
        "run `{} install` and commit it",
        manager.lock_file, manager.name));
    done = run(false);
  }
  if (done && manager.name == "pnpm") return drop_notes_of_pnpm(workshop, part);
  return done;
}

std::string layer_key(const Part& part, const std::string& tools, const Package& package,
                      bool development) {
  return Sha256()
      .add_field(kLayerFormat)
      .add_field(part.root)
      .add_field(tools)
      .add_field(package.manager.name + " " + package.manager.version)
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
    workshop.say(fmt::format("{} is unchanged: its packages are taken from the cache",
                             package.manager.lock_file));
    return {};
  }
  ECLUSE_TRY(install(workshop, part, package, development));
  if (!os::is_there(modules)) return {};  // a package without dependencies
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
  settle_environment(workshop, package->manager);
  ECLUSE_TRY(package->closed ? install_closed(workshop, part, *package, development)
                             : install(workshop, part, *package, development));
  // For the lines of `run`: bundlers leave their development aids out.
  if (purpose == Purpose::kRelease) workshop.env()["NODE_ENV"] = "production";
  // A line that installs another folder's packages (`npm install --prefix client`) builds there
  // next.
  workshop.env()["npm_config_include"] = "dev";
  return {};
}

}  // namespace ecluse::artifact
