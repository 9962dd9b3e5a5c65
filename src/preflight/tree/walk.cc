#include "preflight/tree/walk.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <memory>
#include <optional>
#include <unordered_set>

#include "base/text.h"
#include "os/fd.h"
#include "os/subprocess.h"
#include "preflight/tree/readers.h"

namespace ecluse::preflight {

namespace {

// Of a database: its schema may stand anywhere, and mostly stands in the first pages.
constexpr std::size_t kHeadBytes = 1 << 20;
constexpr std::size_t kGitBytesMax = 32 << 20;

/// What git says of the files below a folder.
struct Tracked {
  bool known = false;
  std::string problem;  ///< why it said nothing, where it ought to know
  std::unordered_set<std::string> committed;
  std::unordered_set<std::string> folders;  ///< those that hold committed files
};

/// Paths with a zero byte after each; or why there are none. "" outside of any repository.
Result<std::string> list_committed(const std::filesystem::path& root,
                                   std::chrono::milliseconds time) {
  ECLUSE_ASSIGN(auto listed,
                os::run({.argv = {"git", "-C", root.string(), "-c", "core.fsmonitor=false",
                                  "ls-files", "-z", "--cached"},
                         .env = {{"LC_ALL", "C"}},
                         .clean_env = false,
                         .folder = {},
                         .input = {},
                         .timeout = time,
                         .output_bytes_max = kGitBytesMax}));
  if (listed.out.size() >= kGitBytesMax)
    return fail(ErrorKind::kExhausted, "git lists more than can be read");
  if (listed.exit_code == 0) return std::move(listed.out);
  if (listed.err.find("not a git repository") != std::string::npos) return std::string{};
  const auto said = trim(listed.err);
  return fail(ErrorKind::kUnavailable, "git: " + printable(said.substr(0, said.find('\n'))));
}

Tracked ask_git(const std::filesystem::path& root, std::chrono::milliseconds time) {
  Tracked tracked;
  const auto listed = list_committed(root, time);
  if (!listed) tracked.problem = listed.error().message;
  if (!listed || listed->empty()) return tracked;
  for (auto& path : split(*listed, '\0')) {
    if (path.empty()) continue;
    for (auto folder = folder_of(path); !folder.empty(); folder = folder_of(folder))
      if (!tracked.folders.emplace(folder).second) break;
    tracked.committed.insert(std::move(path));
  }
  tracked.known = true;
  return tracked;
}

struct CloseFolder {
  void operator()(DIR* folder) const { closedir(folder); }
};

class Walk {
 public:
  Walk(Tracked tracked, FactStore* store) : readers_(out_, store), tracked_(std::move(tracked)) {
    if (tracked_.known) out_.knows_git();
    if (!tracked_.problem.empty())
      out_.obstacle(".git", tracked_.problem + ", so every file counts as committed");
  }

  void folder(int parent, const std::string& name, const std::string& path, int depth) {
    os::Fd fd(openat(parent, name.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
    if (!fd) return out_.obstacle(path, "cannot be opened");
    const int raw = fd.get();
    std::unique_ptr<DIR, CloseFolder> open(fdopendir(fd.release()));
    if (!open) return out_.obstacle(path, "cannot be listed");
    std::vector<std::pair<std::string, unsigned char>> entries;
    while (const auto* entry = readdir(open.get())) {
      const std::string_view each = entry->d_name;
      if (each != "." && each != ".." && each != ".git") entries.emplace_back(each, entry->d_type);
    }
    std::ranges::sort(entries);  // the order of a report must not depend on the disk
    take_ignores(raw, entries, path);
    for (const auto& [entry, type] : entries) {
      if (full()) return;
      visit(raw, entry, type, path.empty() ? entry : path + "/" + entry, depth);
    }
    if (has_ignores_of(path)) ignores_.pop_back();
  }

  Repository finish() {
    readers_.finish();
    return out_.finish();
  }

 private:
  bool full() {
    if (files_ < kFilesMax) return false;
    if (!said_full_) out_.obstacle("", "more files than are looked at");
    said_full_ = true;
    return true;
  }

  void take_ignores(int folder, const auto& entries, const std::string& path) {
    const bool has =
        std::ranges::any_of(entries, [](const auto& each) { return each.first == ".gitignore"; });
    if (!has) return;
    const auto bytes = read(folder, ".gitignore", kFileBytesRead);
    ignores_.emplace_back(path, IgnoreRules(path, decode(bytes.value_or("")).text));
  }

  bool has_ignores_of(const std::string& path) const {
    return !ignores_.empty() && ignores_.back().first == path;
  }

  bool ignored(const std::string& path, bool folder) const {
    for (auto each = ignores_.rbegin(); each != ignores_.rend(); ++each) {
      const auto answer = each->second.ask(path, folder);
      if (answer != IgnoreRules::Answer::kSilent) return answer == IgnoreRules::Answer::kIgnored;
    }
    return false;
  }

  bool holds_committed(const std::string& folder) const {
    return tracked_.folders.contains(folder);
  }

  void visit(int parent, const std::string& name, unsigned char type, const std::string& path,
             int depth) {
    if (type == DT_UNKNOWN) type = type_of(parent, name);
    if (type == DT_DIR) return enter(parent, name, path, depth);
    if (type == DT_LNK) return;  // what it points to is looked at where it lies, if it is ours
    if (type != DT_REG) return out_.obstacle(path, "neither a file nor a folder");
    file(parent, name, path);
  }

  static unsigned char type_of(int parent, const std::string& name) {
    struct stat status{};
    if (fstatat(parent, name.c_str(), &status, AT_SYMLINK_NOFOLLOW) != 0) return DT_UNKNOWN;
    if (S_ISDIR(status.st_mode)) return DT_DIR;
    if (S_ISLNK(status.st_mode)) return DT_LNK;
    return S_ISREG(status.st_mode) ? DT_REG : DT_FIFO;
  }

  void enter(int parent, const std::string& name, const std::string& path, int depth) {
    if (depth >= kFolderDepthMax) return out_.obstacle(path, "nested deeper than is looked at");
    if (name == "__pycache__" && tracked_.known && !holds_committed(path)) return;
    if (is_foreign(parent, name)) {
      if (tracked_.known ? holds_committed(path) : true) count_foreign(path, parent, name);
      return;
    }
    // An ignored folder may still hold committed files, which are what a clone has.
    if (tracked_.known && ignored(path, true) && !holds_committed(path)) return;
    folder(parent, name, path, depth + 1);
  }

  /// "env" is a usual name of one's own folders, too: a virtual environment has a pyvenv.cfg.
  static bool is_foreign(int parent, const std::string& name) {
    if (!is_vendored_folder(name)) return false;
    if (vendored_kind(name) != "virtual environment" || name == "site-packages") return true;
    return faccessat(parent, (name + "/pyvenv.cfg").c_str(), F_OK, 0) == 0 ||
           faccessat(parent, (name + "/bin/activate").c_str(), F_OK, 0) == 0 ||
           faccessat(parent, (name + "/Scripts/activate").c_str(), F_OK, 0) == 0 ||
           faccessat(parent, (name + "/lib").c_str(), F_OK, 0) == 0 ||
           faccessat(parent, (name + "/Lib").c_str(), F_OK, 0) == 0;
  }

  void count_foreign(const std::string& path, int parent, const std::string& name) {
    std::size_t files = 0;
    if (tracked_.known) {
      for (const auto& each : tracked_.committed) files += each.starts_with(path + "/");
    } else {
      count_below(parent, name, 0, files);
    }
    if (files > 0) out_.vendored({path, vendored_kind(name), files});
  }

  static void count_below(int parent, const std::string& name, int depth, std::size_t& files) {
    if (depth > kFolderDepthMax || files > kFilesMax) return;
    os::Fd fd(openat(parent, name.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
    if (!fd) return;
    const int raw = fd.get();
    std::unique_ptr<DIR, CloseFolder> open(fdopendir(fd.release()));
    while (const auto* entry = open ? readdir(open.get()) : nullptr) {
      const std::string each = entry->d_name;
      if (each == "." || each == "..") continue;
      if (entry->d_type == DT_DIR)
        count_below(raw, each, depth + 1, files);
      else
        ++files;
    }
  }

  void file(int parent, const std::string& name, const std::string& path) {
    FileFact fact;
    fact.path = path;
    fact.committed = !tracked_.known || tracked_.committed.contains(path);
    if (!fact.committed && ignored(path, false)) return;
    struct stat status{};
    if (fstatat(parent, name.c_str(), &status, AT_SYMLINK_NOFOLLOW) != 0)
      return out_.obstacle(path, "cannot be looked at");
    fact.bytes = static_cast<std::uint64_t>(status.st_size);
    fact.executable = (status.st_mode & S_IXUSR) != 0;
    ++files_;
    out_.file(fact);
    const auto wish = Collector::wish(path, fact.bytes);
    if (wish == Wish::kNothing) return;
    auto bytes = read(parent, name, wish == Wish::kHead ? kHeadBytes : kFileBytesRead);
    if (!bytes) return out_.obstacle(path, "cannot be read");
    readers_.take(std::move(fact), std::move(*bytes));
  }

  /// At most `bytes_max`; nothing when it cannot be read. O_NONBLOCK: it may have become a pipe
  /// since.
  static std::optional<std::string> read(int parent, const std::string& name,
                                         std::size_t bytes_max) {
    const os::Fd fd(openat(parent, name.c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC));
    struct stat status{};
    if (!fd || fstat(fd.get(), &status) != 0 || !S_ISREG(status.st_mode)) return std::nullopt;
    std::string bytes(std::min<std::size_t>(bytes_max, static_cast<std::size_t>(status.st_size)),
                      '\0');
    std::size_t have = 0;
    while (have < bytes.size()) {
      const auto got = ::read(fd.get(), bytes.data() + have, bytes.size() - have);
      if (got < 0 && errno == EINTR) continue;
      if (got <= 0) break;
      have += static_cast<std::size_t>(got);
    }
    bytes.resize(have);
    return bytes;
  }

  Collector out_;
  Readers readers_;
  Tracked tracked_;
  std::vector<std::pair<std::string, IgnoreRules>> ignores_;
  std::size_t files_ = 0;
  bool said_full_ = false;
};

}  // namespace

Result<Repository> read_repository(const std::filesystem::path& root, FactStore* store,
                                   std::chrono::milliseconds git_time) {
  std::error_code error;
  const auto real = std::filesystem::canonical(root, error);
  if (error || !std::filesystem::is_directory(real, error))
    return fail(ErrorKind::kNotFound, root.string() + " is no folder that can be read",
                "name the top folder of a repository");
  Walk walk(ask_git(real, git_time), store);
  walk.folder(AT_FDCWD, real.string(), "", 0);
  return walk.finish();
}

}  // namespace ecluse::preflight
