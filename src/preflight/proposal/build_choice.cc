#include "preflight/proposal/build_choice.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <charconv>

#include "base/text.h"
#include "preflight/proposal/python_version.h"

namespace ecluse::preflight {

namespace {

constexpr std::array kRequirementNames = {"requirements.txt",      "requirements/production.txt",
                                          "requirements/prod.txt", "requirements/base.txt",
                                          "requirements-prod.txt", "requirements/requirements.txt"};

BuildProposal built(std::string kind, Proven source) {
  BuildProposal build;
  build.kind = std::move(kind);
  build.source = std::move(source);
  return build;
}

/// "app/requirements.txt" of `pip install --no-cache-dir -r app/requirements.txt`; else "".
std::string installed_file(const Instruction& run) {
  if (run.name != "RUN") return {};
  const auto words = split(run.text, ' ');
  for (std::size_t i = 0; i + 1 < words.size(); ++i)
    if (words[i] == "-r" && words[i + 1].ends_with(".txt")) return join_path("", words[i + 1]);
  return {};
}

/// What a Dockerfile installs from, though a lock file lies beside it.
std::optional<BuildProposal> by_dockerfile(const Repository& repository, const std::string& root) {
  for (const auto& file : repository.dockerfiles) {
    if (folder_of(file.path) != root) continue;
    for (const auto& stage : file.stages)
      for (const auto& each : stage.instructions) {
        const auto name = installed_file(each);
        if (!name.empty() && repository.find(in_folder(root, name)))
          return built("python", {name, {file.path, each.place, each.name + " " + each.text}});
      }
  }
  return std::nullopt;
}

std::optional<BuildProposal> by_requirements(const Repository& repository,
                                             const std::string& root) {
  for (const auto* name : kRequirementNames) {
    const auto path = in_folder(root, name);
    if (repository.find(path)) return built("python", {name, {path, {1, 1}, "is there"}});
  }
  return std::nullopt;
}

/// A name and versions, and no option of pip's.
bool is_requirement(std::string_view text) {
  return !text.starts_with('-') && std::ranges::all_of(text, [](unsigned char c) {
    return std::isalnum(c) ||
           std::string_view("._-<>=!~,*+").find(static_cast<char>(c)) != std::string_view::npos;
  });
}

/// What a Pipfile names, as requirements: pip reads no Pipfile.
std::optional<BuildProposal> by_pipfile(const Repository& repository, const std::string& root) {
  const auto found =
      std::ranges::find(repository.manifests, in_folder(root, "Pipfile"), &Manifest::path);
  if (found == repository.manifests.end() || found->broken) return std::nullopt;
  auto build = built("python", {"", {found->path, {1, 1}, "is there"}});
  for (const auto& each : found->dependencies) {
    if (each.development) continue;
    const auto wanted = each.name + (each.version == "*" ? "" : each.version);
    if (is_requirement(wanted))
      build.packages.push_back({wanted, {found->path, each.place, each.name}});
  }
  return build.packages.empty() ? std::nullopt : std::optional(std::move(build));
}

std::optional<BuildProposal> by_lock(const Repository& repository, const std::string& root,
                                     const char* lock, const char* kind) {
  const auto path = in_folder(root, lock);
  if (!repository.find(path)) return std::nullopt;
  auto demanded = demanded_python(repository, root);
  return built(kind, demanded ? std::move(*demanded) : Proven{"yes", {path, {1, 1}, "is there"}});
}

/// "20" of ">=20 <21", "^20.1", "20.x".
std::string major_of(std::string_view wanted) {
  const auto digit = wanted.find_first_of("0123456789");
  if (digit == std::string_view::npos) return {};
  const auto rest = wanted.substr(digit);
  return std::string(rest.substr(0, rest.find_first_not_of("0123456789")));
}

constexpr const char* kOldHashes = "NODE_OPTIONS=--openssl-legacy-provider ";

struct OldTool {
  std::string_view package;
  int last;  ///< major version that still hashes by MD4
};
constexpr std::array kOldTools = {OldTool{"next", 11}, OldTool{"react-scripts", 4},
                                  OldTool{"webpack", 4}, OldTool{"@vue/cli-service", 4}};

/// OpenSSL 3, which Node has since 17, knows MD4 only when it is asked to.
bool needs_old_hashes(const Manifest& manifest) {
  return std::ranges::any_of(kOldTools, [&](const OldTool& tool) {
    const auto* found = manifest.find(tool.package);
    const auto major = found ? major_of(found->version) : std::string();
    int number = 0;
    std::from_chars(major.data(), major.data() + major.size(), number);
    return number > 0 && number <= tool.last;
  });
}

}  // namespace

std::string in_folder(std::string_view folder, std::string_view name) {
  return folder.empty() ? std::string(name) : std::string(folder) + "/" + std::string(name);
}

namespace {

BuildProposal declared_build(const Repository& repository, const std::string& root) {
  if (auto made = by_dockerfile(repository, root)) return *made;
  if (auto made = by_lock(repository, root, "uv.lock", "uv")) return *made;
  if (auto made = by_lock(repository, root, "poetry.lock", "poetry")) return *made;
  if (auto made = by_requirements(repository, root)) return *made;
  const auto project = in_folder(root, "pyproject.toml");
  if (repository.find(project)) {
    auto made = built("python", {"pyproject.toml", {project, {1, 1}, "is there"}});
    made.version = demanded_python(repository, root);
    return made;
  }
  if (auto made = by_pipfile(repository, root)) return *made;
  return {};
}

struct Companion {
  std::string_view package;
  int major;  ///< below this version...
  int minor;
  std::string_view other;        ///< ...it breaks with the newest of this one,
  std::string_view requirement;  ///< and works with these
};
constexpr std::array kCompanions = {
    Companion{"flask", 2, 3, "werkzeug", "werkzeug<3"},
    Companion{"flask-sqlalchemy", 3, 0, "sqlalchemy", "sqlalchemy<2"},
    Companion{"fastapi", 0, 100, "pydantic", "pydantic<2"},
};

/// Is "==2.2.3" below 2.3? Only a pin says what will be installed.
bool is_pinned_below(std::string_view version, int major, int minor) {
  if (!version.starts_with("==")) return false;
  int first = 0;
  int second = 0;
  const auto* end = version.data() + version.size();
  const auto [dot, error] = std::from_chars(version.data() + 2, end, first);
  if (error == std::errc{} && dot < end && *dot == '.') std::from_chars(dot + 1, end, second);
  return error == std::errc{} && (first < major || (first == major && second < minor));
}

/// A requirements file is written, which names more than the project's own.
bool takes_packages(const BuildProposal& build) {
  return build.kind == "python" &&
         (build.source.value.empty() || build.source.value.ends_with(".txt"));
}

/// What a pinned package was written for, where the manifest leaves the other one open.
void add_companions(const Repository& repository, BuildProposal& build) {
  if (!takes_packages(build)) return;
  for (const auto& each : kCompanions) {
    const auto* pinned = repository.find_dependency(each.package);
    const bool open = pinned && !repository.find_dependency(each.other) &&
                      is_pinned_below(pinned->version, each.major, each.minor);
    if (open)
      build.packages.push_back({std::string(each.requirement),
                                {build.source.why.path, pinned->place,
                                 pinned->name + pinned->version + " breaks with the newest"}});
  }
}

}  // namespace

BuildProposal python_build(const Repository& repository, const std::string& root) {
  auto build = declared_build(repository, root);
  add_companions(repository, build);
  return build;
}

BuildProposal node_build(const Manifest& manifest) {
  BuildProposal build{"node", {"yes", {manifest.path, {1, 1}, "is there"}}, {}, {}, {}, {}, {}};
  if (!manifest.engines_node.empty()) {
    const auto version = major_of(manifest.engines_node);
    // A lower bound is met by a newer one; only an exact wish is a wish for that very version.
    const bool exact = manifest.engines_node.find('>') == std::string::npos;
    if (exact && !version.empty())
      build.source = {version, {manifest.path, {1, 1}, "engines.node: " + manifest.engines_node}};
  }
  for (const auto* name : {"build", "heroku-postbuild"})
    if (const auto* script = manifest.find_script(name)) {
      build.run.push_back(
          {(needs_old_hashes(manifest) ? kOldHashes : "") + std::string("npm run ") + name,
           {manifest.path, script->place, name + (": " + script->command)}});
      break;
    }
  return build;
}

namespace {
/// Not for development alone: a release is built without that.
bool is_declared(const Repository& repository, const std::string& package) {
  return std::ranges::any_of(repository.manifests, [&](const Manifest& manifest) {
    return std::ranges::any_of(manifest.dependencies, [&](const Dependency& each) {
      return each.name == package && !each.development;
    });
  });
}
}  // namespace

bool install_also(const Repository& repository, const std::string& package, BuildProposal& build) {
  if (is_declared(repository, package)) return true;
  if (!takes_packages(build)) return false;
  build.packages.push_back({package, {build.source.why.path, {}, "does not declare it"}});
  return true;
}

}  // namespace ecluse::preflight
