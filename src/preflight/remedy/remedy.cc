#include "preflight/remedy/remedy.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <map>

#include "base/text.h"
#include "preflight/remedy/line_edit.h"
#include "preflight/rules/rule.h"

namespace ecluse::preflight {

namespace {

constexpr std::array<std::string_view, 12> kMended = {"CI-003",  "CI-006",  "DEP-004",  "DI-001",
                                                      "DI-002",  "DJ-001",  "DK-005",   "HC-005",
                                                      "MIG-005", "SEC-008", "REPO-004", "ST-002"};

std::string in_folder(std::string_view folder, std::string_view name) {
  return folder.empty() ? std::string(name) : fmt::format("{}/{}", folder, name);
}

bool has_python(const Repository& repository) {
  return std::ranges::any_of(repository.files,
                             [](const FileFact& file) { return file.path.ends_with(".py"); });
}
bool has_node(const Repository& repository) {
  return std::ranges::any_of(repository.files, [](const FileFact& file) {
    return file_name(file.path) == "package.json";
  });
}

std::string gitignore_for(const Repository& repository) {
  std::string text = ".env\n*.log\n*.sqlite3\n.DS_Store\n";
  if (has_python(repository))
    text += "__pycache__/\n*.pyc\n.venv/\nvenv/\n.pytest_cache/\n.coverage\n";
  if (has_node(repository)) text += "node_modules/\n";
  return text;
}

std::string dockerignore_for(const Repository& repository) {
  std::string text = ".git\n.env\n*.log\n*.sqlite3\n";
  if (has_python(repository)) text += "__pycache__\n*.pyc\n.venv\nvenv\n.pytest_cache\n.coverage\n";
  if (has_node(repository)) text += "node_modules\n";
  return text;
}

/// A text with its lines, so that one of them can be replaced and every other byte stays.
class Lines {
 public:
  explicit Lines(std::string_view text) {
    for (std::size_t at = 0; at < text.size();) {
      const auto end = std::min(text.find('\n', at), text.size() - 1) + 1;
      lines_.emplace_back(text.substr(at, end - at));
      at = end;
    }
  }
  std::string_view at(std::size_t index) const {
    std::string_view line = lines_.at(index);
    if (line.ends_with('\n')) line.remove_suffix(1);
    if (line.ends_with('\r')) line.remove_suffix(1);
    return line;
  }
  std::size_t size() const { return lines_.size(); }
  bool is_last(std::size_t index) const {
    for (std::size_t i = index + 1; i < lines_.size(); ++i)
      if (!trim(lines_[i]).empty()) return false;
    return true;
  }
  void replace(std::size_t index, const std::string& text) {
    const auto before = at(index).size();
    lines_[index].replace(0, before, text);
  }
  std::string joined() const {
    std::string text;
    for (const auto& line : lines_) text += line;
    return text;
  }

 private:
  std::vector<std::string> lines_;
};

class Mender {
 public:
  Mender(const Repository& repository, const ReadBytes& read)
      : repository_(repository), read_(read) {}

  void mend(const Finding& finding) {
    if (finding.rule == "DEP-004") return to_utf8(finding);
    if (finding.rule == "DI-001") return make_dockerignore(finding);
    if (finding.rule == "DI-002") return mend_dockerignore(finding);
    if (finding.rule == "REPO-004") return make_gitignore(finding);
    if (line_edit_of(finding.rule) != nullptr) edit_line(finding);
  }

  std::vector<FileChange> take() {
    std::vector<FileChange> out;
    for (auto& [path, change] : changes_)
      if (change.before != change.after || !change.moved_to.empty())
        out.push_back(std::move(change));
    return out;
  }

 private:
  /// The change under way for `path`, as it stands; null when the file cannot be read.
  FileChange* change_of(const std::string& path) {
    const auto known = changes_.find(path);
    if (known != changes_.end()) return &known->second;
    auto bytes = read_(path);
    if (!bytes) return nullptr;
    auto& change = changes_[path];
    change = {.path = path, .before = *bytes, .after = *bytes};
    return &change;
  }
  static void note(FileChange& change, const std::string& rule) {
    if (std::ranges::find(change.rules, rule) == change.rules.end()) change.rules.push_back(rule);
  }
  void add_file(const std::string& path, std::string text, const std::string& rule) {
    if (read_(path) || changes_.contains(path)) return;
    changes_[path] = {.path = path, .after = std::move(text), .rules = {rule}};
  }

  void edit_line(const Finding& finding) {
    auto* change = change_of(finding.path);
    if (change == nullptr || finding.place.line < 1) return;
    Lines lines(change->after);
    const auto index = static_cast<std::size_t>(finding.place.line) - 1;
    if (index >= lines.size()) return;
    const auto edited = line_edit_of(finding.rule)(
        {.text = lines.at(index), .file = change->after, .last = lines.is_last(index)});
    if (!edited) return;
    lines.replace(index, *edited);
    change->after = lines.joined();
    note(*change, finding.rule);
  }

  void to_utf8(const Finding& finding) {
    auto* change = change_of(finding.path);
    if (change == nullptr) return;
    auto decoded = decode(change->after);
    if (decoded.encoding != Encoding::kUtf16) return;
    change->after = std::move(decoded.text);
    note(*change, finding.rule);
  }

  void make_gitignore(const Finding& finding) {
    if (finding.path.empty()) add_file(".gitignore", gitignore_for(repository_), finding.rule);
  }

  void make_dockerignore(const Finding& finding) {
    add_file(in_folder(folder_of(finding.path), ".dockerignore"), dockerignore_for(repository_),
             finding.rule);
  }

  void mend_dockerignore(const Finding& finding) {
    auto* change = change_of(finding.path);
    if (change == nullptr) return;
    if (file_name(finding.path) != ".dockerignore") {
      const auto name = in_folder(folder_of(finding.path), ".dockerignore");
      if (read_(name)) return;  // which of the two is meant is for people to say
      change->moved_to = name;
      return note(*change, finding.rule);
    }
    const auto folder = folder_of(finding.path);
    const IgnoreRules rules(std::string(folder), change->after);
    std::string more;
    const auto keep_out = [&](const std::string& name, bool is_folder) {
      if (rules.ask(in_folder(folder, name), is_folder) != IgnoreRules::Answer::kIgnored)
        more += name + "\n";
    };
    if (folder.empty()) keep_out(".git", true);
    if (repository_.find(in_folder(folder, ".env")) != nullptr) keep_out(".env", false);
    for (const auto& each : repository_.vendored)
      if (folder_of(each.path) == folder) keep_out(std::string(file_name(each.path)), true);
    if (more.empty()) return;
    if (!change->after.empty() && !change->after.ends_with('\n')) change->after += '\n';
    change->after += more;
    note(*change, finding.rule);
  }

  const Repository& repository_;
  const ReadBytes& read_;
  std::map<std::string, FileChange> changes_;
};

// ---- The diff -----------------------------------------------------------------------------------

constexpr std::size_t kContext = 3;

struct Hunk {
  std::size_t old_from = 0;  ///< counted from 0
  std::size_t old_to = 0;
  std::size_t new_from = 0;
  std::size_t new_to = 0;
};

using Texts = std::vector<std::string_view>;

Texts lines_with_ends(std::string_view text) {
  Texts out;
  for (std::size_t at = 0; at < text.size();) {
    const auto end = std::min(text.find('\n', at), text.size() - 1) + 1;
    out.push_back(text.substr(at, end - at));
    at = end;
  }
  return out;
}

/// Remedies edit lines in place or add at one place, so that what differs is found by counting from
/// both ends.
std::vector<Hunk> hunks_of(const Texts& before, const Texts& after) {
  std::vector<Hunk> hunks;
  if (before.size() == after.size()) {
    for (std::size_t i = 0; i < before.size(); ++i) {
      if (before[i] == after[i]) continue;
      const bool near = !hunks.empty() && i <= hunks.back().old_to + 2 * kContext;
      if (!near) hunks.push_back({i, i, i, i});
      hunks.back().old_to = hunks.back().new_to = i + 1;
    }
    return hunks;
  }
  const auto shorter = std::min(before.size(), after.size());
  std::size_t head = 0;
  while (head < shorter && before[head] == after[head]) ++head;
  std::size_t tail = 0;
  while (tail < shorter - head &&
         before[before.size() - 1 - tail] == after[after.size() - 1 - tail])
    ++tail;
  return {{head, before.size() - tail, head, after.size() - tail}};
}

void append_line(std::string& out, char mark, std::string_view line) {
  out += mark;
  out += line;
  if (!line.ends_with('\n')) out += "\n\\ No newline at end of file\n";
}

std::string range_text(std::size_t from, std::size_t size) {
  return fmt::format("{},{}", size == 0 ? from : from + 1, size);
}

void append_hunk(std::string& out, const Hunk& hunk, const Texts& before, const Texts& after) {
  const auto lead = std::min(kContext, hunk.old_from);
  const auto trail = std::min(kContext, before.size() - hunk.old_to);
  const auto old_size = lead + (hunk.old_to - hunk.old_from) + trail;
  const auto new_size = lead + (hunk.new_to - hunk.new_from) + trail;
  out += fmt::format("@@ -{} +{} @@\n", range_text(hunk.old_from - lead, old_size),
                     range_text(hunk.new_from - lead, new_size));
  for (auto i = hunk.old_from - lead; i < hunk.old_from; ++i) append_line(out, ' ', before[i]);
  if (before.size() == after.size()) {  // lines that stayed may lie between changed ones
    for (auto i = hunk.old_from; i < hunk.old_to; ++i) {
      if (before[i] == after[i]) {
        append_line(out, ' ', before[i]);
      } else {
        append_line(out, '-', before[i]);
        append_line(out, '+', after[i]);
      }
    }
  } else {
    for (auto i = hunk.old_from; i < hunk.old_to; ++i) append_line(out, '-', before[i]);
    for (auto i = hunk.new_from; i < hunk.new_to; ++i) append_line(out, '+', after[i]);
  }
  for (auto i = hunk.old_to; i < hunk.old_to + trail; ++i) append_line(out, ' ', before[i]);
}

}  // namespace

std::vector<FileChange> remedies(std::span<const Finding> findings, const Repository& repository,
                                 const ReadBytes& read) {
  Mender mender(repository, read);
  for (const auto& finding : findings)
    if (finding.accepted.empty()) mender.mend(finding);
  return mender.take();
}

std::span<const std::string_view> mended_rules() {
  return kMended;
}

std::string unified_diff(const FileChange& change) {
  if (!change.moved_to.empty())
    return fmt::format("rename from {}\nrename to {}\n", printable(change.path), change.moved_to);
  const auto before = change.before ? decode(*change.before) : TextFile{};
  std::string out;
  if (before.encoding == Encoding::kUtf16) return fmt::format("{}: UTF-16 to UTF-8\n", change.path);
  out += change.before ? fmt::format("--- a/{}\n", change.path) : "--- /dev/null\n";
  out += fmt::format("+++ b/{}\n", change.path);
  const std::string_view old = change.before ? std::string_view(*change.before) : "";
  const auto was = lines_with_ends(old);
  const auto is = lines_with_ends(change.after);
  for (const auto& hunk : hunks_of(was, is)) append_hunk(out, hunk, was, is);
  return out;
}

}  // namespace ecluse::preflight
