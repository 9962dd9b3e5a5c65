// REPO-001..006: what is committed and should not be.

#include <algorithm>
#include <array>
#include <map>
#include <set>

#include "base/text.h"
#include "preflight/rules/rule.h"

namespace ecluse::preflight {

namespace {

bool is_committed(const Subject& subject, std::string_view path) {
  const auto* fact = subject.repository.find(path);
  return fact && fact->committed;
}

std::string human_size(std::uint64_t bytes) {
  if (bytes < 1024) return std::to_string(bytes) + " bytes";
  if (bytes < 1024 * 1024) return std::to_string(bytes / 1024) + " KiB";
  return std::to_string(bytes / 1024 / 1024) + " MiB";
}

Findings committed_database(const Subject& subject) {
  Findings found;
  for (const auto& database : subject.repository.databases) {
    if (!is_committed(subject, database.path) || is_test_path(database.path)) continue;
    std::vector<std::string> told;
    for (const auto& table : database.tables)
      if (any_of_words(to_lower(table),
                       {"user", "session", "account", "customer", "profile", "order"}))
        told.push_back(table);
    auto made = at(database.path, {1, 1}, "a SQLite database of " + human_size(database.bytes));
    if (!told.empty()) made.evidence += " with the tables " + join(told, ", ");
    if (told.empty()) {
      made.severity = Severity::kWarn;
      made.because = "no table of people was seen in it";
    }
    found.push_back(std::move(made));
  }
  // The folder of a server: MongoDB's, PostgreSQL's, MySQL's.
  for (const auto& file : subject.repository.files) {
    const auto name = file_name(file.path);
    const bool server = name == "WiredTiger.wt" || name == "PG_VERSION" || name == "ibdata1";
    if (server && file.committed && !is_test_path(file.path))
      found.push_back(at(file.path, {1, 1}, "a database server's files"));
  }
  return found;
}

bool is_log(std::string_view path) {
  return path.ends_with(".log") || path.find(".log.") != std::string_view::npos;
}

/// "logs" of "logs/jobs/1.json"; "" when the file lies in no folder of logs.
std::string log_folder(std::string_view path) {
  for (auto folder = folder_of(path); !folder.empty(); folder = folder_of(folder))
    if (file_name(folder) == "logs" || file_name(folder) == "log") return std::string(folder);
  return {};
}

bool is_written_by_program(std::string_view path) {
  return std::ranges::any_of(
      std::array{".json", ".jsonl", ".txt", ".csv", ".out", ".err", ".ndjson"},
      [&](const char* ending) { return path.ends_with(ending); });
}

Findings committed_log(const Subject& subject) {
  Findings found;
  std::map<std::string, std::size_t> folders;
  for (const auto& file : subject.repository.files) {
    const auto folder = log_folder(file.path);
    if (folder.empty() || !file.committed || is_test_path(file.path) ||
        !is_written_by_program(file.path))
      continue;
    if (++folders[folder] == 1) found.push_back(at(file.path, {1, 1}, "what " + folder + " holds"));
  }
  for (const auto& file : subject.repository.files) {
    if (is_log(file.path) && file.committed && file.bytes > 0 && !is_test_path(file.path) &&
        !file.path.ends_with(".py") && !file.path.ends_with(".md"))
      found.push_back(at(file.path, {1, 1}, "a log of " + human_size(file.bytes)));
  }
  return found;
}

Findings committed_vendor(const Subject& subject) {
  Findings found;
  for (const auto& folder : subject.repository.vendored)
    found.push_back(
        at(folder.path, {}, "a " + folder.kind + " of " + std::to_string(folder.files) + " files"));
  return found;
}

bool is_artefact(std::string_view path) {
  const auto name = file_name(path);
  return any_of_words(path, {"__pycache__/", ".pytest_cache/", ".idea/"}) || name == ".DS_Store" ||
         name == ".coverage" || name == ".eslintcache" ||
         path.ends_with("build/asset-manifest.json") || name.starts_with(".coverage.") ||
         name.ends_with(".pyc");
}

/// `prisma/dev.db` at the top does not mean backend/prisma/dev.db, which is committed.
Findings names_from_elsewhere(const Repository& repository) {
  int number = 0;
  for (const auto line : lines_of(repository.text(".gitignore"))) {
    ++number;
    const auto pattern = trim(line);
    const bool plain = !pattern.empty() && pattern[0] != '#' && pattern[0] != '!' &&
                       pattern[0] != '/' && !pattern.ends_with('/') &&
                       pattern.find('/') != std::string_view::npos &&
                       pattern.find_first_of("*?[") == std::string_view::npos;
    if (!plain) continue;
    for (const auto& file : repository.files)
      if (file.committed && file.path.ends_with("/" + std::string(pattern)))
        return {at(".gitignore", {number, 1},
                   std::string(pattern) + " does not mean " + file.path + ", which is committed")};
  }
  return {};
}

/// No .gitignore at the top, but one in every folder of source.
bool ignores_by_folder(const Repository& repository) {
  std::vector<std::string> folders;
  for (const auto& [path, rules] : repository.ignores)
    if (file_name(path) == ".gitignore") folders.push_back(std::string(folder_of(path)) + "/");
  return !folders.empty() && std::ranges::all_of(repository.files, [&](const FileFact& file) {
    const bool source =
        std::ranges::any_of(std::array{".py", ".js", ".ts", ".jsx", ".tsx"},
                            [&](const char* ending) { return file.path.ends_with(ending); });
    return !source || std::ranges::any_of(folders, [&](const std::string& folder) {
      return file.path.starts_with(folder);
    });
  });
}

/// What every clone makes beside the sources and no .gitignore keeps out; "" where some is kept
/// out.
std::string not_kept_out(const Repository& repository) {
  for (const auto& each : repository.manifests) {
    if (each.kind != ManifestKind::kNode || each.dependencies.empty()) continue;
    const auto folder = folder_of(each.path);
    const auto path = folder.empty() ? "node_modules" : std::string(folder) + "/node_modules";
    if (!repository.is_ignored(path, true)) return path;
  }
  for (const auto& each : repository.imports) {
    const auto folder =
        std::string(folder_of(each.path)) + (folder_of(each.path).empty() ? "" : "/");
    const bool kept_out = repository.is_ignored(folder + "__pycache__", true) ||
                          repository.is_ignored(folder + "__pycache__/a.pyc", false) ||
                          repository.is_ignored(folder + ".env", false) ||
                          repository.is_ignored(folder + "venv", true);
    if (!kept_out) return folder + "__pycache__, .env and venv";
  }
  return {};
}

Findings weak_gitignore(const Subject& subject) {
  const auto& repository = subject.repository;
  if (repository.files.empty()) return {};
  if (!repository.find(".gitignore"))
    return ignores_by_folder(repository)
               ? Findings{}
               : Findings{at("", {}, "there is no .gitignore at the top")};
  const auto misnamed = names_from_elsewhere(repository);
  if (!misnamed.empty()) return misnamed;
  std::vector<const FileFact*> wrong;
  for (const auto& file : repository.files) {
    if (!file.committed || file_name(file.path) == ".gitkeep") continue;
    if (repository.is_ignored(file.path, false) || is_artefact(file.path)) wrong.push_back(&file);
  }
  if (wrong.empty()) {
    const auto left = not_kept_out(repository);
    return left.empty() ? Findings{} : Findings{at(".gitignore", {1, 1}, left + " is not named")};
  }
  return {at(".gitignore", {1, 1},
             wrong.front()->path +
                 (wrong.size() > 1 ? " and " + std::to_string(wrong.size() - 1) + " more" : "") +
                 " are committed all the same")};
}

bool is_picture(std::string_view path) {
  return std::ranges::any_of(std::array{".png", ".gif", ".jpg", ".jpeg", ".svg", ".webp", ".ico"},
                             [&](const char* ending) { return path.ends_with(ending); });
}

/// What stands below a folder: how many files, of which names and sizes.
struct Signature {
  std::size_t files = 0;
  std::uint64_t bytes = 0;
  std::uint64_t names = 0;
  bool telling = false;  ///< more than pictures
  auto operator<=>(const Signature&) const = default;

  void add(std::string_view name, std::uint64_t size) {
    ++files;
    bytes += size;
    names += std::hash<std::string_view>{}(name) ^ size;
  }
};

/// Of folders that hold more than pictures.
std::map<std::string, Signature, std::less<>> signatures_of(const Repository& repository) {
  std::map<std::string, Signature, std::less<>> signatures;
  for (const auto& file : repository.files) {
    const bool telling = !is_picture(file.path);
    for (auto folder = folder_of(file.path); !folder.empty(); folder = folder_of(folder)) {
      auto each = signatures.find(folder);
      if (each == signatures.end()) each = signatures.emplace(folder, Signature{}).first;
      each->second.add(std::string_view(file.path).substr(folder.size()), file.bytes);
      each->second.telling |= telling;
    }
  }
  std::erase_if(signatures, [](const auto& each) { return !each.second.telling; });
  return signatures;
}

struct Copy {
  std::string folder;
  std::string of;
  std::size_t files = 0;
};

/// "b/x like a/x" and "b/y like a/y" are one copy, of a to b, that has changed since.
std::vector<Copy> joined(std::vector<Copy> copies) {
  std::map<std::pair<std::string, std::string>, std::size_t> parents;
  const auto parents_of = [](const Copy& each) {
    const bool same_name = file_name(each.folder) == file_name(each.of);
    return same_name
               ? std::pair{std::string(folder_of(each.folder)), std::string(folder_of(each.of))}
               : std::pair{std::string{}, std::string{}};
  };
  for (const auto& each : copies) ++parents[parents_of(each)];
  std::vector<Copy> out;
  for (auto& each : copies) {
    const auto key = parents_of(each);
    if (key.first.empty() || parents[key] < 2) {
      out.push_back(std::move(each));
    } else if (!out.empty() && out.back().folder == key.first) {
      out.back().files += each.files;
    } else {
      out.push_back({key.first, key.second, each.files});
    }
  }
  return out;
}

/// Two folders with the same names and sizes below them: a copy of the project in itself.
Findings duplicated_tree(const Subject& subject) {
  constexpr std::size_t kFilesMin = 8;  // smaller folders are alike by chance
  constexpr std::uint64_t kBytesMin = 4096;
  std::map<Signature, std::string> first;
  std::vector<Copy> copies;
  for (const auto& [folder, signature] : signatures_of(subject.repository)) {
    if (signature.files < kFilesMin || signature.bytes < kBytesMin) continue;
    const auto [place, added] = first.emplace(signature, folder);
    if (added || folder.starts_with(place->second + "/")) continue;
    const bool inside = std::ranges::any_of(
        copies, [&](const Copy& each) { return folder.starts_with(each.folder + "/"); });
    if (!inside) copies.push_back({folder, place->second, signature.files});
  }
  Findings found;
  for (const auto& each : joined(std::move(copies)))
    found.push_back(
        at(each.folder, {}, "the same " + std::to_string(each.files) + " files as " + each.of));
  return found;
}

Findings scattered_documents(const Subject& subject) {
  constexpr std::size_t kDocumentsMax = 9;
  std::vector<std::string> names;
  for (const auto& file : subject.repository.files) {
    const bool top = file.path.find('/') == std::string::npos;
    const auto lower = to_lower(file.path);
    if (top && (lower.ends_with(".md") || lower.ends_with(".rst") || lower.ends_with(".docx") ||
                lower.ends_with(".pdf") ||
                (lower.ends_with(".txt") && lower.find("requirements") == std::string::npos &&
                 lower != "robots.txt" && lower != "runtime.txt")))
      names.push_back(file.path);
  }
  if (names.size() <= kDocumentsMax) return {};
  return {at("", {}, std::to_string(names.size()) + " documents at the top: " + join(names, ", "))};
}

constexpr std::array kRules = {
    Rule{
        "REPO-001", Severity::kMajor, "A database is committed",
        "What its users wrote is in the history for everybody, and each deploy brings the old rows "
        "back.",
        "`git rm --cached` it, add it to .gitignore, and rewrite the history if it held people's "
        "data.",
        committed_database},
    Rule{"REPO-002", Severity::kWarn, "A log is committed",
         "Logs hold addresses, tokens and stack traces, and change with every run.",
         "`git rm --cached` it and add `*.log` to .gitignore.", committed_log},
    Rule{"REPO-003", Severity::kWarn, "Installed packages are committed",
         "Thousands of files that the lock file already names, built for another machine.",
         "`git rm -r --cached` the folder and add it to .gitignore.", committed_vendor},
    Rule{"REPO-004", Severity::kWarn, "The .gitignore is missing or ineffective",
         "Files that are tracked stay tracked, whatever it says.",
         "`git rm --cached` what it names; add what is missing.", weak_gitignore},
    Rule{"REPO-005", Severity::kWarn, "A tree stands twice in the repository",
         "One copy is mended, the other one is deployed.", "Delete one of them.", duplicated_tree},
    Rule{"REPO-006", Severity::kInfo, "Ten or more documents at the top",
         "Nobody finds the one that is right.", "Keep README.md, move the others to docs/.",
         scattered_documents},
};

}  // namespace

std::span<const Rule> repository_rules() {
  return kRules;
}

}  // namespace ecluse::preflight
