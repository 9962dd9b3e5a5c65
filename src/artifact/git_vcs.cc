#include "artifact/git_vcs.h"

#include <fmt/format.h>
#include <sodium.h>

#include <algorithm>
#include <array>
#include <charconv>

#include "artifact/git_command.h"
#include "artifact/submodules.h"
#include "artifact/tidy_text.h"
#include "base/text.h"
#include "model/key.h"
#include "os/file.h"

namespace ecluse::artifact {

namespace fs = std::filesystem;

namespace {
constexpr std::string_view kOriginFile = "ecluse-origin";
constexpr std::string_view kSettingsFile = "ecluse-settings";
constexpr std::size_t kSubjectBytesMax = 300;
constexpr std::size_t kAuthorBytesMax = 120;
constexpr std::size_t kNamedRefsMax = 8;

/// Whatever .gitattributes says, a checkout has the bytes of the commit: no line ends converted, no
/// $Id$, no filter (LFS is one), no encoding. Of all attribute files this one wins.
constexpr std::string_view kAttributes =
    "* -text -ident !filter !working-tree-encoding !export-subst !export-ignore !eol\n";

bool is_hex(std::string_view text) {
  return text.find_first_not_of("0123456789abcdef") == std::string_view::npos;
}
bool is_sha(std::string_view text) {
  return text.size() == 40 && is_hex(text);
}

Result<void> require_sha(std::string_view sha) {
  if (is_sha(sha)) return {};
  return fail(ErrorKind::kInvalid, fmt::format("{} is not a commit's full SHA", printable(sha)));
}

Result<void> require_app(std::string_view app) {
  if (model::is_name(app)) return {};
  return fail(ErrorKind::kInvalid, fmt::format("{} is not an app's name", printable(app)));
}

std::string quoted_setting(std::string_view value) {
  std::string quoted = "\"";
  for (const char c : value) {
    if (c == '"' || c == '\\') quoted += '\\';
    quoted += c;
  }
  return quoted + "\"";
}

/// git refuses a repository of somebody else unless we say that we mean this one. It must come from
/// a "global" file: the settings of a command do not reach the other end of a local fetch.
std::string settings_for(const Repository& origin) {
  if (!origin.local) return {};
  std::string text = "[safe]\n";
  for (const std::string& folder : {origin.place, origin.place + "/.git"}) {
    text += "\tdirectory = " + quoted_setting(folder) + "\n";
  }
  return text;
}

Result<Repository> existing(Repository repository) {
  if (!repository.local) return repository;
  std::error_code error;
  const fs::path real = fs::canonical(repository.place, error);
  if (error) {
    return fail(ErrorKind::kNotFound,
                fmt::format("no repository at {}", printable(repository.place)),
                "check the path; the daemon needs it absolute");
  }
  if (real.string().find('\n') != std::string::npos) {
    return fail(ErrorKind::kInvalid, "the repository's path has a line break");
  }
  repository.place = real.string();
  return repository;
}

std::string short_digest(std::string_view text) {
  std::array<unsigned char, crypto_hash_sha256_BYTES> hash{};
  crypto_hash_sha256(hash.data(), reinterpret_cast<const unsigned char*>(text.data()), text.size());
  std::string hex;
  for (std::size_t i = 0; i < 8; ++i) hex += fmt::format("{:02x}", hash[i]);
  return hex;
}
}  // namespace

GitVcs::GitVcs(const fs::path& data_folder, GitBounds bounds)
    : mirrors_(fs::absolute(data_folder) / "mirrors"), bounds_(bounds) {}

fs::path GitVcs::mirror_of(const std::string& app) const {
  return mirrors_ / (app + ".git");
}

std::shared_ptr<std::mutex> GitVcs::lock_of(const fs::path& mirror) {
  return locks_.with([&](auto& locks) {
    auto& lock = locks[mirror];
    if (!lock) lock = std::make_shared<std::mutex>();
    return lock;
  });
}

Result<void> GitVcs::open_mirror(const fs::path& mirror, const Repository& origin) const {
  ECLUSE_TRY(os::make_folder(mirrors_, 0700));
  if (!fs::exists(mirror / "HEAD")) {
    ECLUSE_TRY(git_output({.arguments = {"init", "--quiet", "--bare", "--template=",
                                         "--initial-branch=main", "--", mirror.string()}}));
  }
  ECLUSE_TRY(os::make_folder(mirror / "info"));
  ECLUSE_TRY(os::replace_file(mirror / "info" / "attributes", kAttributes));
  ECLUSE_TRY(os::replace_file(mirror / kOriginFile, origin.place, 0600));
  return os::replace_file(mirror / kSettingsFile, settings_for(origin), 0600);
}

Result<void> GitVcs::fetch(const fs::path& mirror, const Repository& origin,
                           const std::vector<std::string>& refspecs) const {
  std::vector<std::string> arguments = {"fetch",
                                        "--quiet",
                                        "--force",
                                        "--prune",
                                        "--no-tags",
                                        "--no-write-fetch-head",
                                        "--update-shallow",
                                        "--no-recurse-submodules",
                                        "--no-auto-maintenance",
                                        "--",
                                        origin.place};
  arguments.insert(arguments.end(), refspecs.begin(), refspecs.end());
  ECLUSE_TRY(git_output({.git_folder = mirror,
                         .arguments = std::move(arguments),
                         .protocols = origin.protocol,
                         .settings = mirror / kSettingsFile,
                         .timeout = bounds_.fetch_timeout,
                         .file_bytes_max = bounds_.pack_bytes_max}));
  return {};
}

Result<void> GitVcs::fetch_all(const fs::path& mirror, const Repository& origin) const {
  const std::vector<std::string> refs = {"+refs/heads/*:refs/heads/*", "+refs/tags/*:refs/tags/*"};
  auto with_head = refs;
  with_head.push_back("+HEAD:refs/ecluse/HEAD");
  auto fetched = fetch(mirror, origin, with_head);
  if (fetched || fetched.error().message.find("remote ref HEAD") == std::string::npos)
    return fetched;
  // HEAD names a branch without a commit: the others are there all the same.
  return fetch(mirror, origin, refs);
}

namespace {
Result<std::vector<std::string>> ref_names(const fs::path& mirror) {
  ECLUSE_ASSIGN(
      const std::string listing,
      git_output({.git_folder = mirror,
                  .arguments = {"for-each-ref", "--sort=-committerdate", "--count=2000",
                                "--format=%(refname:lstrip=2)", "refs/heads", "refs/tags"}}));
  auto names = split(trim(listing), '\n');
  std::erase(names, "");
  return names;
}

/// The commit that `expression` means, or an empty string.
Result<std::string> commit_named(const fs::path& mirror, const std::string& expression) {
  ECLUSE_ASSIGN(const os::Finished finished,
                git({.git_folder = mirror,
                     .arguments = {"rev-parse", "--verify", "--quiet", "--end-of-options",
                                   expression + "^{commit}"}}));
  return finished.exit_code == 0 ? std::string(trim(finished.out)) : std::string();
}

/// "main~2" is "main" and "~2".
std::pair<std::string, std::string> with_steps_back(const std::string& ref) {
  const std::size_t cut = std::min(ref.find_first_of("~^"), ref.size());
  return {ref.substr(0, cut), ref.substr(cut)};
}

bool is_askable(std::string_view name, std::string_view steps) {
  const bool plain = !name.empty() && name.size() <= 255 && name.front() != '-' &&
                     name.find("..") == std::string_view::npos &&
                     name.find("@{") == std::string_view::npos;
  const auto odd = [](char c) { return static_cast<unsigned char>(c) <= ' ' || c == 0x7F; };
  return plain && std::none_of(name.begin(), name.end(), odd) &&
         name.find_first_of(":?*[\\") == std::string_view::npos &&
         steps.find_first_not_of("~^0123456789") == std::string_view::npos;
}

std::vector<std::string> meanings_of(const std::string& name) {
  if (name == "HEAD") return {"refs/ecluse/HEAD"};
  std::vector<std::string> meanings = {"refs/heads/" + name, "refs/tags/" + name};
  if (name.starts_with("refs/heads/") || name.starts_with("refs/tags/")) meanings.push_back(name);
  if (name.size() >= 4 && name.size() <= 40 && is_hex(name)) meanings.push_back(name);
  return meanings;
}

tl::unexpected<Error> no_such_ref(const fs::path& mirror, const Repository& origin,
                                  const std::string& ref) {
  auto names = ref_names(mirror);
  if (!names) return fail(std::move(names).error());
  const std::string place = printable(without_credentials(origin.place));
  if (names->empty()) {
    return fail(ErrorKind::kNotFound, fmt::format("{} has no commit yet", place),
                "commit something, then deploy again");
  }
  const auto near = nearest(ref, *names);
  if (names->size() > kNamedRefsMax) names->resize(kNamedRefsMax);
  for (auto& name : *names) name = tidy_text(name, 80);
  const std::string listed = fmt::format("there are {}", join(*names, ", "));
  return fail(ErrorKind::kNotFound,
              fmt::format("{} has no branch, tag or commit {}", place, printable(ref)),
              near ? fmt::format("did you mean {}? {}", tidy_text(*near, 80), listed) : listed);
}

Result<model::Commit> describe(const fs::path& mirror, const std::string& sha) {
  ECLUSE_ASSIGN(
      const std::string said,
      git_output({.git_folder = mirror,
                  .arguments = {"log", "-1", "--no-show-signature", "--no-color", "--no-decorate",
                                "--format=%H%x00%ct%x00%an%x00%s", "--end-of-options", sha}}));
  const auto parts = split(said, '\0');
  std::int64_t seconds = 0;
  if (parts.size() < 4 || parts[0] != sha) {
    return fail(ErrorKind::kInternal, fmt::format("git log said {}", printable(said)));
  }
  std::from_chars(parts[1].data(), parts[1].data() + parts[1].size(), seconds);
  return model::Commit{.sha = sha,
                       .author = tidy_text(trim(parts[2]), kAuthorBytesMax),
                       .subject = tidy_text(trim(parts[3]), kSubjectBytesMax),
                       .at = WallTime{seconds * 1000}};
}
}  // namespace

Result<std::string> GitVcs::find(const fs::path& mirror, const Repository& origin,
                                 const std::string& ref) const {
  const auto [name, steps] = with_steps_back(ref);
  if (!is_askable(name, steps)) return no_such_ref(mirror, origin, ref);
  for (const std::string& meaning : meanings_of(name)) {
    ECLUSE_ASSIGN(std::string sha, commit_named(mirror, meaning + steps));
    if (!sha.empty()) return sha;
  }
  if (is_sha(name)) {
    // Not under any branch or tag: a server may hand it out all the same.
    const std::string pin = "refs/ecluse/pinned/" + name;
    if (fetch(mirror, origin, {"+" + name + ":" + pin})) return commit_named(mirror, pin + steps);
  }
  return no_such_ref(mirror, origin, ref);
}

Result<model::Commit> GitVcs::resolve(const std::string& app, const std::string& repository,
                                      const std::string& ref) {
  ECLUSE_TRY(require_app(app));
  ECLUSE_ASSIGN(Repository parsed, parse_repository(repository));
  ECLUSE_ASSIGN(const Repository origin, existing(std::move(parsed)));
  const fs::path mirror = mirror_of(app);
  const auto lock = lock_of(mirror);
  const std::lock_guard guard(*lock);
  ECLUSE_TRY(open_mirror(mirror, origin));
  if (auto fetched = fetch_all(mirror, origin); !fetched) {
    return fail(in_context(fmt::format("fetching {}", printable(without_credentials(origin.place))),
                           std::move(fetched).error()));
  }
  ECLUSE_ASSIGN(const std::string sha, find(mirror, origin, ref));
  return describe(mirror, sha);
}

namespace {
Result<void> require_commit(const fs::path& mirror, const std::string& sha) {
  if (fs::exists(mirror / "HEAD")) {
    ECLUSE_ASSIGN(const std::string found, commit_named(mirror, sha));
    if (found == sha) return {};
  }
  return fail(ErrorKind::kNotFound, fmt::format("commit {} is not in our mirror", sha),
              "deploy it once more, so that it is fetched");
}

/// Writes the tree of `sha` under `folder`: read into an index of its own, so that two checkouts of
/// one mirror do not meet.
Result<void> write_tree(const fs::path& mirror, const std::string& sha, const fs::path& folder) {
  const fs::path index = folder.string() + ".index";
  const std::map<std::string, std::string> env = {{"GIT_INDEX_FILE", index.string()}};
  auto read = git_output(
      {.git_folder = mirror, .arguments = {"read-tree", "--end-of-options", sha}, .env = env});
  auto written =
      !read ? std::move(read)
            : git_output({.git_folder = mirror,
                          .arguments = {"--work-tree=" + folder.string(), "checkout-index", "--all",
                                        "--quiet", "--prefix=" + folder.string() + "/"},
                          .env = env,
                          .timeout = std::chrono::minutes(10)});
  std::error_code ignored;  // best effort: the error that matters is returned
  fs::remove(index, ignored);
  if (!written) return fail(std::move(written).error());
  return {};
}

Result<void> require_empty(const fs::path& folder) {
  std::error_code error;
  const bool empty = fs::is_empty(folder, error);
  if (error) return fail(from_errno(error.value(), folder.string()));
  if (!empty) return fail(ErrorKind::kConflict, fmt::format("{} is not empty", folder.string()));
  return {};
}

Result<void> require_inside(const Links& links) {
  auto leaving = links_that_leave(links);
  if (leaving.empty()) return {};
  const std::size_t count = leaving.size();
  if (count > kNamedRefsMax) leaving.resize(kNamedRefsMax);
  for (auto& path : leaving) path = printable(path) + " -> " + printable(links.at(path));
  return fail(ErrorKind::kInvalid,
              fmt::format("{} symbolic link{} out of the repository: {}", count,
                          count == 1 ? " leads" : "s lead", join(leaving, ", ")),
              "remove from git what only exists on one machine (a virtual environment, perhaps)");
}
}  // namespace

Result<void> GitVcs::plan(Module module, Plan& plan) {
  ECLUSE_ASSIGN(const auto entries, list_tree(module.mirror, module.sha));
  plan.files += entries.size();
  for (const TreeEntry& entry : entries) plan.bytes += entry.bytes;
  if (plan.files > bounds_.checkout_files_max || plan.bytes > bounds_.checkout_bytes_max) {
    return fail(ErrorKind::kExhausted,
                fmt::format("the commit has {} files and {} bytes, more than the {} files and {} "
                            "bytes built at most",
                            plan.files, plan.bytes, bounds_.checkout_files_max,
                            bounds_.checkout_bytes_max));
  }
  ECLUSE_ASSIGN(const Links links, read_links(module.mirror, entries));
  for (const auto& [path, target] : links) plan.links[module.prefix + path] = target;
  plan.modules.push_back(module);
  return plan_submodules(module, entries, plan);
}

Result<void> GitVcs::plan_submodules(const Module& module, const std::vector<TreeEntry>& entries,
                                     Plan& plan) {
  ECLUSE_ASSIGN(const SubmoduleUrls urls, submodule_urls(module.mirror, entries));
  for (const TreeEntry& entry : entries) {
    if (entry.kind != EntryKind::kSubmodule) continue;
    const std::string context = fmt::format("submodule {}", printable(module.prefix + entry.path));
    const auto in_submodule = [&](Error error) {
      return fail(in_context(context, std::move(error)));
    };
    const auto url = urls.find(entry.path);
    if (url == urls.end()) {
      return in_submodule({ErrorKind::kInvalid, ".gitmodules does not say where it comes from",
                           "add it with `git submodule add`, or remove the folder from git"});
    }
    if (module.depth >= bounds_.submodule_depth_max) {
      return in_submodule({ErrorKind::kExhausted, "submodules are nested too deep", {}});
    }
    auto origin = submodule_repository(module.origin, url->second);
    if (origin) origin = existing(std::move(*origin));
    if (!origin) return in_submodule(std::move(origin).error());
    // A link may lead out of the folder that holds the repository: look again at the real place.
    if (origin->local) origin = submodule_repository(module.origin, origin->place);
    if (!origin) return in_submodule(std::move(origin).error());
    auto mirror = fetch_submodule(*origin, entry.object);
    if (!mirror) return in_submodule(std::move(mirror).error());
    ECLUSE_TRY(this->plan(
        {*mirror, *origin, entry.object, module.prefix + entry.path + "/", module.depth + 1},
        plan));
  }
  return {};
}

Result<fs::path> GitVcs::fetch_submodule(const Repository& origin, const std::string& sha) {
  const fs::path mirror = mirrors_ / "submodules" / (short_digest(origin.place) + ".git");
  const auto lock = lock_of(mirror);
  const std::lock_guard guard(*lock);
  ECLUSE_TRY(os::make_folder(mirror.parent_path(), 0700));
  ECLUSE_TRY(open_mirror(mirror, origin));
  if (require_commit(mirror, sha)) return mirror;
  if (auto fetched = fetch_all(mirror, origin); !fetched) {
    return fail(in_context(fmt::format("fetching {}", printable(without_credentials(origin.place))),
                           std::move(fetched).error()));
  }
  if (require_commit(mirror, sha)) return mirror;
  if (fetch(mirror, origin, {"+" + sha + ":refs/ecluse/pinned/" + sha})) return mirror;
  return fail(ErrorKind::kNotFound,
              fmt::format("{} has no commit {}", printable(without_credentials(origin.place)), sha),
              "push the submodule's commit, then deploy again");
}

Result<void> GitVcs::checkout(const std::string& app, const std::string& sha,
                              const std::string& into) {
  ECLUSE_TRY(require_app(app));
  ECLUSE_TRY(require_sha(sha));
  ECLUSE_TRY(require_empty(into));
  const fs::path mirror = mirror_of(app);
  ECLUSE_TRY(require_commit(mirror, sha));
  ECLUSE_ASSIGN(const std::string origin_place, os::read_file(mirror / kOriginFile, 65536));
  ECLUSE_ASSIGN(const Repository origin, parse_repository(origin_place));
  Plan planned;
  ECLUSE_TRY(plan({mirror, origin, sha, "", 0}, planned));
  ECLUSE_TRY(require_inside(planned.links));
  for (const Module& module : planned.modules) {
    const fs::path folder = fs::path(into) / module.prefix;
    ECLUSE_TRY(os::make_folder(folder));
    const fs::path bare = folder.has_filename() ? folder : folder.parent_path();
    if (auto written = write_tree(module.mirror, module.sha, bare); !written) {
      return fail(
          in_context(fmt::format("checking out {}", module.sha), std::move(written).error()));
    }
  }
  return {};
}

Result<std::string> GitVcs::read(const std::string& app, const std::string& sha,
                                 const std::string& path, std::size_t bytes_max) {
  ECLUSE_TRY(require_app(app));
  ECLUSE_TRY(require_sha(sha));
  const fs::path mirror = mirror_of(app);
  ECLUSE_TRY(require_commit(mirror, sha));
  ECLUSE_ASSIGN(
      const std::string listing,
      git_output({.git_folder = mirror,
                  .arguments = {"ls-tree", "-r", "-l", "-z", "--full-tree", sha, "--", path}}));
  ECLUSE_ASSIGN(const auto entries, parse_tree(listing));
  const std::string what = fmt::format("{} at {}", printable(path), sha.substr(0, 12));
  if (entries.size() != 1 || entries[0].path != path) {
    return fail(ErrorKind::kNotFound, fmt::format("no file {}", what), "is it committed?");
  }
  if (entries[0].kind != EntryKind::kFile) {
    return fail(ErrorKind::kInvalid, fmt::format("{} is not a plain file", what));
  }
  if (entries[0].bytes > bytes_max) {
    return fail(ErrorKind::kExhausted, fmt::format("{} has {} bytes, more than the {} read at most",
                                                   what, entries[0].bytes, bytes_max));
  }
  return read_blob(mirror, entries[0].object, bytes_max);
}

}  // namespace ecluse::artifact
