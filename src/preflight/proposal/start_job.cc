#include "preflight/proposal/start_job.h"

#include <algorithm>

#include "base/text.h"
#include "preflight/facts/shell.h"
#include "preflight/proposal/import_root.h"
#include "preflight/proposal/migration.h"
#include "preflight/proposal/serving.h"
#include "preflight/proposal/shell_line.h"
#include "preflight/proposal/start_lines.h"

namespace ecluse::preflight {

namespace {

using Words = std::vector<std::string>;

/// A word of Django's manage.py that another job does, or nothing at a start.
bool is_done_elsewhere(std::string_view word) {
  for (const std::string_view each :
       {"migrate", "collectstatic", "makemigrations", "check", "shell", "runserver", "test",
        "compilemessages", "wait_for_db"})
    if (word == each) return true;
  return false;
}

/// Behind shells that are only told what to run, and behind `poetry run`.
std::size_t program_at(const Words& words) {
  std::size_t at = 0;
  while (at + 2 < words.size() && words[at].ends_with("sh") && words[at + 1] == "-c") at += 2;
  const bool runner = at + 2 < words.size() && words[at + 1] == "run" &&
                      (words[at] == "uv" || words[at] == "poetry" || words[at] == "pipenv");
  return runner ? at + 2 : at;
}

/// `python manage.py loaddata first.json`, `python scripts/seed.py`, `flask seed`.
bool is_job(const Repository& repository, const std::string& folder, const Words& words) {
  if (words.size() < 2) return false;
  const bool python = words[0] == "python" || words[0] == "python3";
  if (python && words[1].ends_with("manage.py"))
    return words.size() > 2 && !is_done_elsewhere(words[2]);
  const bool manages = words.size() > 3 && words[2].ends_with(".manage");
  if (python && words[1] == "-m" && manages) return !is_done_elsewhere(words[3]);
  if (python && words[1] == "-m")
    return words.size() > 2 && words[2] != "alembic" && words[2] != "flask" &&
           folder_of_module(repository, folder, words[2]).has_value();
  if (python) return repository.find(join_path(folder, words[1])) != nullptr;
  return words[0] == "flask" && words[1] != "db" && words[1] != "run" && !words[1].starts_with('-');
}

/// Quoted again it is what it was: no quotes within, and nothing for a shell to fill in.
bool stays_itself(std::string_view word) {
  return word.size() < kWordBytesMax && word.find_first_of("'\"\\`$*?[~") == std::string_view::npos;
}

std::string line_of(const Words& words) {
  Words quoted;
  for (const auto& word : words) quoted.push_back(shell_word(word));
  return join(quoted, " ");
}

/// Its failure ends nothing where the script goes on after it.
std::string command_text(const ShellCommand& command, const Words& words, bool strict) {
  auto text = line_of(words);
  const bool forgiven = !command.or_else.empty() || (!strict && !command.tested);
  return forgiven ? in_shell(text + " || true") : text;
}

/// A Django project's programs lie where it is started, though it may be built above.
std::string place_of(const Part& part) {
  return part.framework == Framework::kDjango ? started_folder(part) : part.root;
}

std::string job_of(const Part& part, const std::string& command) {
  return part.framework == Framework::kDjango ? where_started(part, command)
                                              : in_root(part, command);
}

void of_line(const Repository& repository, const StartLine& line, const Part& part, Proposal& out) {
  const auto script = read_shell(line.shell);
  for (const auto& command : script.commands) {
    const bool plain = command.condition.empty() && !command.function && !command.substituted &&
                       !command.background;
    const auto first = program_at(command.words);
    const Words words(command.words.begin() + static_cast<std::ptrdiff_t>(first),
                      command.words.end());
    if (words.size() == 1 && first > 0)
      of_line(repository, {line.folder, words[0], line.why}, part, out);
    if (!plain || !std::ranges::all_of(words, stays_itself) ||
        !is_job(repository, place_of(part), words))
      continue;
    const auto text = command_text(command, words, script.errexit);
    const auto job = place_of(part).empty() ? text : job_of(part, line_of(words));
    if (std::ranges::find(out.release, job, &Proven::value) == out.release.end())
      out.release.push_back({job, {line.why.path, line.why.place, command.text}});
  }
}

/// `RUN python manage.py loaddata demo.json`: what an image is built with, a release is not.
void of_build(const Repository& repository, const Dockerfile& file, const Part& part,
              Proposal& out) {
  for (const auto& stage : file.stages)
    for (const auto& each : stage.instructions)
      if (each.name == "RUN" && each.text.find("manage.py") != std::string::npos)
        of_line(repository,
                {place_of(part), "set -e\n" + each.text, {file.path, each.place, each.text}}, part,
                out);
}

}  // namespace

void propose_start_jobs(const Repository& repository, const Stack& stack, Proposal& out) {
  for (const auto& line : start_lines(repository, stack))
    for (const auto& part : out.parts)
      // The line that the part's own start was read from.
      if (part.framework != Framework::kProgram && line.why.path == part.command.why.path &&
          line.why.place == part.command.why.place)
        of_line(repository, line, part, out);
  for (const auto& part : out.parts)
    if (const auto* file = repository.find_dockerfile(part.command.why.path))
      of_build(repository, *file, part, out);
}

}  // namespace ecluse::preflight
