#include "preflight/facts/code.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <optional>
#include <span>

#include "base/text.h"
#include "preflight/facts/text_file.h"

namespace ecluse::preflight {

const Value* Value::find(std::string_view key) const {
  const auto found = std::ranges::find(items, key, &Item::key);
  return found == items.end() || key.empty() ? nullptr : &found->value;
}

const Value* Value::at(std::size_t n) const {
  for (const auto& item : items) {
    if (item.key.empty() && n-- == 0) return &item.value;
  }
  return nullptr;
}

bool Value::is(ValueKind wanted, std::string_view wanted_text) const {
  return kind == wanted && text == wanted_text;
}

bool CodeFile::imports_module(std::string_view module) const {
  return std::ranges::any_of(imports, [&](const Import& each) {
    return each.module == module ||
           (each.module.starts_with(module) && each.module.size() > module.size() &&
            (each.module[module.size()] == '.' || each.module[module.size()] == '/'));
  });
}

const Assignment* CodeFile::find_assignment(std::string_view target) const {
  const auto found = std::ranges::find(assignments, target, &Assignment::target);
  return found == assignments.end() ? nullptr : &*found;
}

bool is_constant_name(std::string_view text) {
  return text.size() > 2 && std::ranges::all_of(text, [](unsigned char c) {
           return std::isupper(c) || std::isdigit(c) || c == '_';
         });
}

namespace {

/// `read("HOSTS").split(" ")`: a call on the result begins where the result's own does.
void use_of_result(const CodeFile& file, const Call& call, EnvRead& made) {
  for (const auto& each : file.calls) {
    const bool same = each.value.place == call.value.place;
    if (!same || each.callee() != call.callee() + "().split") continue;
    made.used_by = "split";
    made.required |= !made.fallback;
    if (const auto* separator = each.value.at(0)) made.separator = separator->text;
  }
}

/// Python names it; the second argument is JavaScript's way.
const Value* fallback_of(const Call& call, Language language) {
  if (language == Language::kJavaScript) return call.value.at(1);
  return call.value.find("default");
}

std::optional<EnvRead> read_through(const Call& call, std::span<const EnvReader> readers,
                                    Language language) {
  const auto name = call.callee().substr(call.callee().rfind('.') + 1);
  const auto reader = std::ranges::find(readers, name, &EnvReader::function);
  const auto* variable = call.value.at(0);
  if (reader == readers.end() || !variable || variable->kind != ValueKind::kString ||
      !is_constant_name(variable->text))
    return std::nullopt;
  EnvRead made;
  made.name = variable->text;
  if (const auto* fallback = fallback_of(call, language)) made.fallback = *fallback;
  made.required = reader->required && !made.fallback;
  made.spelling = name + "()";
  made.separator = reader->separator;
  made.scope = call.scope;
  made.place = call.value.place;
  return made;
}

}  // namespace

namespace {
void follow_readers_of(Language language, std::vector<CodeFile>& files) {
  std::vector<EnvReader> readers;
  for (const auto& file : files)
    if (!file.test && file.language == language)
      readers.insert(readers.end(), file.readers.begin(), file.readers.end());
  if (readers.empty()) return;
  for (auto& file : files) {
    if (file.language != language) continue;
    for (const auto& call : file.calls)
      if (auto made = read_through(call, readers, language)) {
        use_of_result(file, call, *made);
        file.reads.push_back(std::move(*made));
      }
  }
}
}  // namespace

void follow_readers(std::vector<CodeFile>& files) {
  follow_readers_of(Language::kPython, files);
  follow_readers_of(Language::kJavaScript, files);
}

namespace {
bool is_test_folder(std::string_view name) {
  constexpr std::array kFolders = {"tests",   "test",      "__tests__", "testing",     "e2e",
                                   "cypress", "__mocks__", "fixtures",  "__fixtures__"};
  return std::ranges::find(kFolders, name) != kFolders.end() || name.starts_with("test-") ||
         name.starts_with("tests-");  // "tests-e2e", "test-client"
}
}  // namespace

bool is_test_path(std::string_view path) {
  const auto name = path.substr(path.rfind('/') + 1);
  if (name.starts_with("test_") || name.starts_with("conftest") || name == "tests.py" ||
      name == "test.py")
    return true;
  for (const std::string_view part : {"_test.", ".test.", ".spec.", "_tests."}) {
    if (name.find(part) != std::string_view::npos) return true;
  }
  for (auto folder = path.substr(0, path.size() - name.size()); !folder.empty();
       folder.remove_prefix(folder.find('/') + 1)) {
    if (is_test_folder(folder.substr(0, folder.find('/')))) return true;
  }
  return false;
}

bool is_set_aside(std::string_view path) {
  static constexpr std::array kFolders = {"_archive", "backup",   "backups",   "old",
                                          "attic",    "obsolete", "deprecated"};
  static constexpr std::array kEndings = {"bak", "backup", "old", "orig", "save", "disabled"};
  auto rest = to_lower(path);
  for (auto slash = rest.find('/'); slash != std::string::npos; slash = rest.find('/')) {
    const auto folder = rest.substr(0, slash);
    const bool archive = folder.starts_with("archive");  // "archives", "archive_2023"
    if (archive || std::ranges::find(kFolders, folder) != kFolders.end()) return true;
    rest.erase(0, slash + 1);
  }
  const auto parts = split(rest, '.');
  return rest.ends_with('~') ||
         std::any_of(parts.begin() + 1, parts.end(), [](std::string_view part) {
           // "bak2", "old-2024": which of them it was.
           return std::ranges::any_of(kEndings, [&](std::string_view ending) {
             return part.starts_with(ending) &&
                    (part.size() == ending.size() ||
                     !std::isalpha(static_cast<unsigned char>(part[ending.size()])));
           });
         });
}

bool is_manual_path(std::string_view path) {
  static constexpr std::array kFolders = {"notes", "note", "examples", "example", "samples"};
  for (auto folder = folder_of(path); !folder.empty(); folder = folder_of(folder))
    if (std::ranges::find(kFolders, file_name(folder)) != kFolders.end()) return true;
  return false;
}

bool is_development_path(std::string_view path) {
  const auto lower = to_lower(path);
  const auto name = file_name(lower);
  for (const std::string_view word : {"dev", "local", "test", "debug", "development", "override",
                                      "testing", "devel", "ci", "e2e", "lint"}) {
    if (contains_word(name, word)) return true;
  }
  return lower.starts_with(".devcontainer/") ||
         lower.find("/.devcontainer/") != std::string::npos || is_test_path(lower) ||
         is_set_aside(lower);
}

bool is_production_path(std::string_view path) {
  for (const std::string_view folder : {"migrations/", "docs/", "examples/", "notebooks/"})
    if (path.find(folder) != std::string_view::npos) return false;
  return !is_test_path(path) && !is_development_path(path);
}

bool ends_with_name(std::string_view callee, std::string_view name) {
  if (!callee.ends_with(name)) return false;
  return callee.size() == name.size() || callee[callee.size() - name.size() - 1] == '.';
}

}  // namespace ecluse::preflight
