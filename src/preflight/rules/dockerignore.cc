// DI-001, DI-002: what an image is built from.

#include <algorithm>
#include <array>

#include "base/text.h"
#include "preflight/rules/rule.h"

namespace ecluse::preflight {

namespace {

/// COPY or ADD of the whole context.
bool is_copy_of_all(const Instruction& each) {
  if ((each.name != "COPY" && each.name != "ADD") || !each.flag("from").empty()) return false;
  const auto source = each.json && !each.json->empty() ? each.json->front()
                                                       : each.text.substr(0, each.text.find(' '));
  return source == "." || source == "./" || source == "*";
}

const Instruction* copies_all(const Dockerfile& file) {
  for (const auto& stage : file.stages)
    for (const auto& each : stage.instructions)
      if (is_copy_of_all(each)) return &each;
  return nullptr;
}

/// A folder as an absolute path without a slash behind it: "." is the last WORKDIR.
std::string folder_in_image(std::string_view name, std::string_view workdir) {
  if (name == "." || name == "./") name = workdir;
  if (name.starts_with("./")) name.remove_prefix(2);
  auto folder =
      name.starts_with('/') ? std::string(name) : std::string(workdir) + "/" + std::string(name);
  while (folder.size() > 1 && folder.ends_with('/')) folder.pop_back();
  return folder;
}

/// The folders of a stage's image that the whole context is copied to.
std::vector<std::string> copies_of_all(const Dockerfile& file, const Stage& stage) {
  std::vector<std::string> folders;
  std::string workdir;
  for (const auto* each : file.inherited(stage)) {
    if (each->name == "WORKDIR") workdir = folder_in_image(each->text, workdir);
    if (is_copy_of_all(*each))
      folders.push_back(
          folder_in_image(trim(each->text.substr(each->text.rfind(' ') + 1)), workdir));
  }
  return folders;
}

/// Into the image that runs, also by way of a stage that builds: `COPY --from=build /app /app`.
bool ships_all(const Dockerfile& file) {
  const auto* stage = file.final_stage();
  if (!stage) return false;
  return std::ranges::any_of(file.inherited(*stage), [&](const Instruction* each) {
    if (is_copy_of_all(*each)) return true;
    const auto* from = each->name == "COPY" ? file.find_stage(each->flag("from")) : nullptr;
    if (!from || from >= stage) return false;
    const auto folders = copies_of_all(file, *from);
    const auto source = folder_in_image(each->text.substr(0, each->text.find(' ')), "");
    return std::ranges::find(folders, source) != folders.end();
  });
}

std::string in_folder(std::string_view folder, std::string_view name) {
  return folder.empty() ? std::string(name) : std::string(folder) + "/" + std::string(name);
}

/// Also ".dockerignore " with a blank behind it, of which DI-002 tells.
bool has_ignore(const Subject& subject, const Dockerfile& file, const std::string& context) {
  const auto own = file.path + ".dockerignore";
  return std::ranges::any_of(subject.repository.ignores, [&](const auto& each) {
    return each.first == own || trim(each.first) == in_folder(context, ".dockerignore");
  });
}

Findings no_dockerignore(const Subject& subject) {
  Findings found;
  for (const auto* file : subject.stack.dockerfiles) {
    const auto* copy = copies_all(*file);
    if (!copy || !ships_all(*file) ||
        has_ignore(subject, *file, build_context(subject.repository, *file)))
      continue;
    found.push_back(
        at(file->path, copy->place, copy->name + " " + copy->text + " without a .dockerignore"));
  }
  return found;
}

/// GitHub's templates for Python and Node name .env whatever the project is.
bool is_of_template(std::string_view gitignore) {
  return any_of_words(gitignore, {"env.bak/", "# dotenv environment variable"});
}

/// Something reads variables, or a file says how they are set.
bool works_with_env_files(const Repository& repository) {
  if (!repository.env_files.empty()) return true;
  for (const auto* package : {"python-dotenv", "python-decouple", "django-environ", "environs",
                              "pydantic-settings", "dotenv", "vite", "next", "react-scripts"})
    if (repository.find_dependency(package)) return true;
  return std::ranges::any_of(repository.code,
                             [](const CodeFile& file) { return !file.reads.empty(); }) ||
         std::ranges::any_of(repository.texts, [](const auto& each) {
           return !file_name(each.first).ends_with("ignore") &&
                  each.second.find(".env") != std::string::npos;
         });
}

/// It lies there, or git is told to leave out the one that does.
bool has_env_file(const Subject& subject, const std::string& context) {
  const auto& repository = subject.repository;
  if (repository.find(in_folder(context, ".env"))) return true;
  return repository.is_ignored(in_folder(context, ".env"), false) &&
         (!is_of_template(repository.text(".gitignore")) || works_with_env_files(repository));
}

/// Production's own, by a line of the .gitignore at the top or an `env_file:` of a compose file.
bool names_production_file(const Subject& subject, const std::string& context,
                           std::string_view name) {
  for (const auto line : lines_of(subject.repository.text(".gitignore")))
    if (trim(line) == name) return true;
  const auto path = in_folder(context, name);
  for (const auto* compose : subject.stack.composes)
    for (const auto& service : compose->services)
      for (const auto& [file, place] : service.env_files)
        if (join_path(folder_of(compose->path), file) == path) return true;
  return false;
}

/// What is there and should not come into an image.
std::vector<std::string> not_ignored(const Subject& subject, const std::string& context,
                                     const IgnoreRules& rules) {
  std::vector<std::string> names;
  const auto kept = [&](const std::string& name, bool folder) {
    const auto path = in_folder(context, name);
    return rules.ask(path, folder) != IgnoreRules::Answer::kIgnored;
  };
  if (context.empty() && kept(".git", true)) names.emplace_back(".git");
  if (kept(".env", false) && has_env_file(subject, context)) names.emplace_back(".env");
  for (const auto* name : {".env.prod", ".env.production"})
    if (kept(name, false) && names_production_file(subject, context, name))
      names.emplace_back(name);
  for (const auto& folder : subject.repository.vendored) {
    if (folder_of(folder.path) == context && kept(std::string(file_name(folder.path)), true))
      names.push_back(folder.path);
  }
  return names;
}

Findings weak_dockerignore(const Subject& subject) {
  Findings found;
  for (const auto& [path, rules] : subject.repository.ignores) {
    const auto name = file_name(path);
    if (trim(name) == ".dockerignore" && name != ".dockerignore") {
      found.push_back(at(path, {1, 1}, "the name ends with a blank, so Docker does not read it"));
      continue;
    }
    if (name != ".dockerignore") continue;
    const auto names = not_ignored(subject, std::string(folder_of(path)), rules);
    const bool used = std::ranges::any_of(subject.stack.dockerfiles, [&](const Dockerfile* file) {
      return ships_all(*file) && build_context(subject.repository, *file) == folder_of(path);
    });
    if (!names.empty() && used)
      found.push_back(at(path, {1, 1}, "lets " + join(names, ", ") + " into the image"));
  }
  return found;
}

constexpr std::array kRules = {
    Rule{"DI-001", Severity::kWarn, "No .dockerignore",
         "`COPY . .` brings the history, local databases and .env files into the image.",
         "Add one that begins with `.git`, `.env`, `venv`, `node_modules`, `__pycache__`.",
         no_dockerignore},
    Rule{"DI-002", Severity::kWarn, "The .dockerignore lets through what it should keep out",
         "History, secrets or a foreign virtual environment end up in the image.",
         "Add the names to it; without a blank behind the file's name.", weak_dockerignore},
};

}  // namespace

std::span<const Rule> dockerignore_rules() {
  return kRules;
}

}  // namespace ecluse::preflight
