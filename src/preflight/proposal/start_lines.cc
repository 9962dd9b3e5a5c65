#include "preflight/proposal/start_lines.h"

#include <algorithm>
#include <array>

#include "base/text.h"
#include "preflight/facts/makefile.h"

namespace ecluse::preflight {

namespace {

const Instruction* start_of(const Dockerfile& file, const Stage& stage) {
  const Instruction* last = nullptr;
  for (const auto* each : file.inherited(stage))
    if (each->name == "CMD" || (each->name == "ENTRYPOINT" && !last)) last = each;
  return last;
}

/// `make serve` as what it comes to run.
std::string with_recipes(const Repository& repository, std::string shell) {
  for (const auto* name : {"Makefile", "makefile"})
    for (const auto& line : split(shell, '\n'))
      if (const auto call = line.find("make "); call != std::string::npos)
        shell += "\n" + follow_make(repository.text(name), trim(line.substr(call)));
  return shell;
}

/// An entrypoint that ends with `exec "$@"` runs what CMD says.
std::string whole_start(const Repository& repository, const Dockerfile& file, const Stage& stage) {
  auto text = start_text(repository, file, stage);
  const Instruction* command = nullptr;
  for (const auto* each : file.inherited(stage))
    if (each->name == "CMD") command = each;
  const bool hands_on = text.find("\"$@\"") != std::string::npos;
  if (command && hands_on) text += "\n" + shell_text(command->argv());
  return text;
}

/// The last stage first: the others are for those who build with --target.
void of_stage(const Repository& repository, const Dockerfile& file, const Stage& stage,
              std::vector<StartLine>& lines) {
  const auto* start = start_of(file, stage);
  const bool last = &stage == file.final_stage();
  const bool own = std::ranges::any_of(stage.instructions,
                                       [&](const Instruction& each) { return &each == start; });
  if (!start || (!last && !own) || is_development_path(stage.name)) return;
  lines.push_back({std::string(folder_of(file.path)),
                   with_recipes(repository, whole_start(repository, file, stage)),
                   {file.path, start->place, start->name + " " + start->text}});
}

void of_dockerfiles(const Repository& repository, const Stack& stack,
                    std::vector<StartLine>& lines) {
  auto files = stack.dockerfiles;
  std::ranges::stable_sort(
      files, {}, [](const Dockerfile* file) { return std::ranges::count(file->path, '/'); });
  for (const auto* file : files) {
    for (auto stage = file->stages.rbegin(); stage != file->stages.rend(); ++stage)
      of_stage(repository, *file, *stage, lines);
  }
}

bool is_in_documents(std::string_view path) {
  return path.starts_with("docs/") || path.starts_with("doc/") ||
         path.starts_with("documentation/");
}

void of_composes(const Repository& repository, const Stack& stack, std::vector<StartLine>& lines) {
  for (const auto* compose : stack.composes) {
    if (is_in_documents(compose->path)) continue;  // an example
    for (const auto& service : compose->services) {
      if (service.command.empty()) continue;
      const auto folder = service.context ? join_path(folder_of(compose->path), *service.context)
                                          : std::string(folder_of(compose->path));
      const auto text = service.command_line();
      const auto* script = started_script(repository, *compose, service);
      lines.push_back({folder,
                       script ? text + "\n" + script->text : text,
                       {compose->path, service.command_place, "command: " + text}});
    }
  }
}

/// Where a platform's file of the top folder says what starts; `section` of TOML, "" for any.
struct StartKey {
  std::string_view path;
  std::string_view section;
  std::string_view key;
};
// In the order of belief.
constexpr std::array kStartKeys = {StartKey{"Procfile", "", "web"},
                                   StartKey{"render.yaml", "", "startCommand"},
                                   StartKey{"railway.json", "", "startCommand"},
                                   StartKey{"railway.toml", "", "startCommand"},
                                   StartKey{"fly.toml", "[processes]", "app"},
                                   StartKey{"fly.toml", "[processes]", "web"},
                                   StartKey{"nixpacks.toml", "", "cmd"}};

/// What stands behind `key:`, `key =` or `"key":`, without quotes; "" when the line has another
/// key.
std::string_view value_behind(std::string_view line, std::string_view key) {
  if (line.starts_with('"')) line.remove_prefix(1);
  if (!line.starts_with(key)) return {};
  line.remove_prefix(key.size());
  if (line.starts_with('"')) line.remove_prefix(1);
  line = trim(line);
  if (!line.starts_with(':') && !line.starts_with('=')) return {};
  line = trim(line.substr(1));
  if (line.ends_with(',')) line.remove_suffix(1);
  const bool quoted = line.size() > 1 && line.front() == line.back() &&
                      (line.front() == '"' || line.front() == '\'');
  return quoted ? line.substr(1, line.size() - 2) : line;
}

void of_keys(const Repository& repository, const StartKey& wanted, std::vector<StartLine>& lines) {
  int number = 0;
  std::string_view section;
  for (const auto line : lines_of(repository.text(wanted.path))) {
    ++number;
    auto bare = trim(line);
    if (bare.starts_with('[')) section = bare;
    if (bare.starts_with("- ")) bare = trim(bare.substr(2));  // the first key of a YAML item
    const auto shell = value_behind(bare, wanted.key);
    if (shell.empty() || (!wanted.section.empty() && section != wanted.section)) continue;
    lines.push_back(
        {"", std::string(shell), {std::string(wanted.path), {number, 1}, std::string(bare)}});
  }
}

void of_manuals(const Repository& repository, std::vector<StartLine>& lines) {
  for (const auto& [path, text] : repository.texts) {
    const auto name = file_name(path);
    if (!is_readme(name) && name != "Makefile") continue;
    int number = 0;
    for (const auto line : lines_of(text)) {
      ++number;
      const auto column = line.find("streamlit run ");
      if (column == std::string_view::npos) continue;
      // Prose around it: `streamlit run app.py`, then open the page.
      const auto shell = line.substr(column, line.find_first_of("`#\"'", column) - column);
      lines.push_back({std::string(folder_of(path)),
                       std::string(shell),
                       {path, {number, static_cast<int>(column) + 1}, std::string(trim(line))}});
    }
  }
}

}  // namespace

std::vector<StartLine> start_lines(const Repository& repository, const Stack& stack) {
  std::vector<StartLine> lines;
  of_dockerfiles(repository, stack, lines);
  of_composes(repository, stack, lines);
  for (const auto& each : kStartKeys) of_keys(repository, each, lines);
  of_manuals(repository, lines);
  return lines;
}

}  // namespace ecluse::preflight
