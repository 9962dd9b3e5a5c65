#include "preflight/proposal/start_lines.h"

#include <algorithm>

#include "base/text.h"

namespace ecluse::preflight {

namespace {

const Instruction* start_of(const Dockerfile& file, const Stage& stage) {
  const Instruction* last = nullptr;
  for (const auto* each : file.inherited(stage))
    if (each->name == "CMD" || (each->name == "ENTRYPOINT" && !last)) last = each;
  return last;
}

void of_dockerfiles(const Repository& repository, const Stack& stack,
                    std::vector<StartLine>& lines) {
  auto files = stack.dockerfiles;
  std::ranges::stable_sort(
      files, {}, [](const Dockerfile* file) { return std::ranges::count(file->path, '/'); });
  for (const auto* file : files) {
    const auto* stage = file->final_stage();
    const auto* start = stage ? start_of(*file, *stage) : nullptr;
    if (!start) continue;
    lines.push_back({std::string(folder_of(file->path)),
                     start_text(repository, *file, *stage),
                     {file->path, start->place, start->name + " " + start->text}});
  }
}

void of_composes(const Stack& stack, std::vector<StartLine>& lines) {
  for (const auto* compose : stack.composes) {
    if (compose->path.starts_with("doc")) continue;  // "docs/", "documentation/": an example
    for (const auto& service : compose->services) {
      if (service.command.empty()) continue;
      const auto folder = service.context ? join_path(folder_of(compose->path), *service.context)
                                          : std::string(folder_of(compose->path));
      const auto& command = service.command;
      const bool shell = command.size() == 3 && command[1] == "-c";
      const auto text = shell ? command[2] : join(command, " ");
      lines.push_back({folder, text, {compose->path, service.command_place, "command: " + text}});
    }
  }
}

/// The text behind `key` on each line of a file of the top folder.
void of_keys(const Repository& repository, std::string_view path, std::string_view key,
             std::vector<StartLine>& lines) {
  int number = 0;
  for (const auto line : lines_of(repository.text(path))) {
    ++number;
    const auto bare = trim(line);
    if (!bare.starts_with(key)) continue;
    auto shell = trim(bare.substr(key.size()));
    if (shell.size() > 1 && shell.front() == '"' && shell.back() == '"')
      shell = shell.substr(1, shell.size() - 2);
    lines.push_back({"", std::string(shell), {std::string(path), {number, 1}, std::string(bare)}});
  }
}

void of_manuals(const Repository& repository, std::vector<StartLine>& lines) {
  for (const auto& [path, text] : repository.texts) {
    const auto name = file_name(path);
    if (name != "README.md" && name != "README.rst" && name != "Makefile") continue;
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
  of_composes(stack, lines);
  of_keys(repository, "Procfile", "web:", lines);
  of_keys(repository, "render.yaml", "startCommand:", lines);
  of_keys(repository, "nixpacks.toml", "cmd =", lines);
  of_manuals(repository, lines);
  return lines;
}

}  // namespace ecluse::preflight
