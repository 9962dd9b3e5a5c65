#pragma once
// Everything the rules know of a repository. Made by a Collector from paths and bytes, so that a
// test needs no disk; plain values afterwards.

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "preflight/facts/code.h"
#include "preflight/facts/compose.h"
#include "preflight/facts/dockerfile.h"
#include "preflight/facts/env_file.h"
#include "preflight/facts/ignore.h"
#include "preflight/facts/manifest.h"
#include "preflight/facts/nginx.h"
#include "preflight/facts/shell.h"
#include "preflight/facts/text_file.h"
#include "preflight/facts/workflow.h"

namespace ecluse::preflight {

struct FileFact {
  std::string path;  ///< from the top of the repository, "/" between
  std::uint64_t bytes = 0;
  bool committed = true;  ///< in the commit, or in a folder that no git knows
  bool executable = false;
};

/// What could not be looked at, and why: said in the report, so that silence is not taken for good.
struct Obstacle {
  std::string path;
  std::string what;
};

struct ScriptFile {
  std::string path;
  std::string text;
  ShellScript script;
};

struct ModuleImports {
  std::string path;
  std::vector<Import> imports;
};

/// A folder of other people's code that is in the commit: a virtual environment, node_modules.
struct VendoredFolder {
  std::string path;
  std::string kind;  ///< "virtual environment", "node_modules"
  std::size_t files = 0;
};

/// A file whose first bytes are "SQLite format 3\0".
struct DatabaseFile {
  std::string path;
  std::uint64_t bytes = 0;
  std::vector<std::string> tables;  ///< as far as their names stand in the first page
};

/// "ecluse: ignore DB-004: the reason" in a comment: about its own line and the next one.
struct Suppression {
  std::string path;
  int line = 0;
  std::vector<std::string> rules;
  std::string reason;
};

struct Repository {
  std::vector<FileFact> files;  ///< by path; vendored folders' files are not among them
  std::set<std::string, std::less<>> folders;
  std::vector<VendoredFolder> vendored;
  std::vector<DatabaseFile> databases;
  std::map<std::string, std::string, std::less<>>
      texts;                           ///< of small files that rules read by line
  std::vector<CodeFile> code;          ///< files that a rule may have a question about
  std::vector<ModuleImports> imports;  ///< of every Python file
  std::vector<Dockerfile> dockerfiles;
  std::vector<Compose> composes;
  std::vector<Workflow> workflows;
  std::vector<Manifest> manifests;
  std::vector<EnvFile> env_files;
  std::vector<Nginx> nginxes;
  std::vector<ScriptFile> scripts;
  std::vector<std::pair<std::string, IgnoreRules>> ignores;  ///< by path of the ignore file
  std::vector<Suppression> suppressions;
  std::vector<Obstacle> obstacles;
  bool git = false;  ///< which files are committed is known from git

  const FileFact* find(std::string_view path) const;
  bool has_folder(std::string_view path) const { return folders.contains(path); }
  std::string_view text(std::string_view path) const;  ///< "" when it was not kept
  const CodeFile* find_code(std::string_view path) const;
  const ScriptFile* find_script(std::string_view path) const;
  const Dockerfile* find_dockerfile(std::string_view path) const;
  /// Declared in any manifest of Python, or of Node.
  const Dependency* find_dependency(std::string_view name) const;
  /// The package.json in `folder`, else the one at the top; null when neither is there.
  const Manifest* package_of(std::string_view folder) const;
  bool reads_variable(std::string_view name) const;
  /// Named by a .gitignore, or below a folder that is; `folder`: so is `path` itself.
  bool is_ignored(std::string_view path, bool folder) const;
};

// Bounds of one audit; beyond them an Obstacle says what was left out.
constexpr std::uint64_t kFileBytesRead = 1 << 20;
constexpr std::uint64_t kTextBytesKept = 128 * 1024;
constexpr std::uint64_t kTextsBytesMax = 8 << 20;
constexpr std::size_t kCodeFilesMax = 4'000;

/// How much of a file the collector wants to see.
enum class Wish { kNothing, kHead, kAll };

/// What one file says by itself, whatever else stands in the repository.
struct Prepared {
  TextFile text;
  std::vector<Suppression> suppressions;
  std::vector<Import> imports;   ///< of a Python file
  std::optional<CodeFile> code;  ///< where a rule may have a question about it
};

class Collector {
 public:
  static Wish wish(std::string_view path, std::uint64_t bytes);
  /// Is its syntax tree what takes the time? Then prepare() may run ahead, in any thread.
  static bool is_source(std::string_view path);
  static Prepared prepare(std::string_view path, std::string_view bytes);

  void file(const FileFact& fact);
  /// After file(), when wish() said so. `bytes` may be cut at kFileBytesRead.
  void content(const FileFact& fact, std::string_view bytes);
  /// The same of a source file that was prepared.
  void content(const FileFact& fact, Prepared prepared);
  void vendored(VendoredFolder folder);
  void obstacle(std::string path, std::string what);
  void knows_git() { made_.git = true; }

  Repository finish();

 private:
  void text_content(const FileFact& fact, const TextFile& file);
  void yaml_content(const FileFact& fact, const TextFile& file);
  void keep_text(const FileFact& fact, const TextFile& file);

  Repository made_;
  std::uint64_t kept_bytes_ = 0;
};

/// "README.md", "Readme.MD", "readme.rst".
bool is_readme(std::string_view file_name);

/// "venv", ".venv", "node_modules", "site-packages": not the project's own.
bool is_vendored_folder(std::string_view folder_name);
std::string vendored_kind(std::string_view folder_name);

}  // namespace ecluse::preflight
