#include "preflight/rules/each_start.h"

#include <algorithm>

#include "base/text.h"
#include "preflight/facts/makefile.h"
#include "preflight/facts/package_script.h"

namespace ecluse::preflight {

namespace {

/// `make start`: the line of the recipes that has the word. A container starts in its folder or at
/// the top.
std::optional<std::string> made_by(const Subject& subject, std::string_view folder,
                                   std::string_view line, const Word& word) {
  const auto below = std::string(folder) + (folder.empty() ? "" : "/") + "Makefile";
  for (const auto& path : {below, std::string("Makefile")}) {
    const auto commands = follow_make(subject.repository.text(path), line);
    for (const auto each : lines_of(commands))
      if (word(each)) return std::string(trim(line)) + ": " + std::string(each);
  }
  return std::nullopt;
}

/// `yarn start:prod`: the word stands in what the folder's package.json means by it. What `start`
/// itself does is told of there.
bool stands_behind(const Subject& subject, std::string_view folder, std::string_view line,
                   const Word& word) {
  if (made_by(subject, folder, line, word)) return true;
  const auto* package = subject.repository.package_of(folder);
  if (!package) return false;
  const auto* start = package->find_script("start");
  return word(follow_scripts(*package, line)) &&
         !(start && word(follow_scripts(*package, start->command)));
}

/// `sh -c "npm run migrate && node main.js"` as a text: Docker splits it into words without a
/// shell.
std::string_view within_shell(std::string_view line) {
  const auto dash = line.find(" -c ");
  if (dash == std::string_view::npos || !line.substr(0, dash).ends_with("sh")) return line;
  const auto text = trim(line.substr(dash + 4));
  const bool quoted = text.size() > 1 && (text[0] == '"' || text[0] == '\'');
  return quoted ? text.substr(1, text.size() - 2) : text;
}

void look_into_script(const Subject& subject, const ScriptFile& script, const Word& word,
                      Findings& found) {
  int number = 0;
  for (const auto line : lines_of(script.text)) {
    ++number;
    if (const auto hit = word(line))
      found.push_back(
          at(script.path, {number, static_cast<int>(line.find(*hit)) + 1}, std::string(line)));
    else if (auto made = made_by(subject, folder_of(script.path), line, word))
      found.push_back(at(script.path, {number, 1}, std::move(*made)));
    else if (stands_behind(subject, folder_of(script.path), line, word))
      found.push_back(at(script.path, {number, 1}, std::string(line)));
  }
}

void look_into_images(const Subject& subject, const Word& word, Findings& found) {
  for (const auto* file : subject.stack.dockerfiles) {
    const auto* stage = file->final_stage();
    if (!stage) continue;
    for (const auto* name : {"ENTRYPOINT", "CMD"}) {
      const auto* each = stage->last(name);
      if (!each) continue;
      const auto line = each->json ? join(*each->json, " ") : each->text;
      if (word(line) || stands_behind(subject, folder_of(file->path), line, word))
        found.push_back(at(file->path, each->place, each->name + " " + each->text));
      if (const auto* script = started_script(subject.repository, *file, each->argv()))
        look_into_script(subject, *script, word, found);
    }
  }
}

void look_into_composes(const Subject& subject, const Word& word, Findings& found) {
  for (const auto* compose : subject.stack.composes) {
    for (const auto& service : compose->services) {
      const auto text = service.command_line();
      const bool serves = !service.ports.empty() ||
                          any_of_words(text, {"gunicorn", "uvicorn", "runserver", "start"});
      const auto folder = service.context ? join_path(folder_of(compose->path), *service.context)
                                          : std::string(folder_of(compose->path));
      const bool heard = hears_command(subject.repository, *compose, service);
      if (serves && heard &&
          (word(text) || stands_behind(subject, folder, within_shell(text), word)))
        found.push_back(at(compose->path, service.command_place, text));
      if (const auto* script = started_script(subject.repository, *compose, service))
        look_into_script(subject, *script, word, found);
    }
  }
}

}  // namespace

Findings at_each_start(const Subject& subject, const Word& word) {
  Findings found;
  look_into_images(subject, word, found);
  look_into_composes(subject, word, found);
  auto lines =
      lines_like(subject.repository, "Procfile", [&](std::string_view line) -> std::optional<int> {
        if (!line.starts_with("web:")) return std::nullopt;
        if (const auto hit = word(line)) return static_cast<int>(line.find(*hit)) + 1;
        return made_by(subject, "", line.substr(4), word) ? std::optional(1) : std::nullopt;
      });
  found.insert(found.end(), lines.begin(), lines.end());
  for (const auto& manifest : subject.repository.manifests) {
    for (const auto* name : {"prestart", "start"}) {  // npm runs the first before the second
      const auto* script = manifest.find_script(name);
      if (script && manifest.find_script("start") &&
          word(follow_scripts(manifest, script->command)))
        found.push_back(at(manifest.path, script->place, script->command));
    }
  }
  return found;
}

}  // namespace ecluse::preflight
