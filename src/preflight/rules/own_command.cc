#include "preflight/rules/own_command.h"

#include <algorithm>

#include "base/text.h"

namespace ecluse::preflight {

namespace {

/// `call_command("loaddata", ...)`, `management.call_command("migrate")`
bool calls_for(const Call& call, std::initializer_list<std::string_view> commands) {
  const auto* name = call.value.at(0);
  return ends_with_name(call.callee(), "call_command") && name &&
         std::ranges::find(commands, name->text) != commands.end();
}

bool seeds_by(const Call& call) {
  return makes_rows(call) || calls_for(call, {"loaddata", "createsuperuser"});
}

bool migrates_by(const CodeFile& file, const Call& call) {
  const bool flask = call.callee() == "upgrade" && file.imports_module("flask_migrate");
  return flask || call.callee() == "flask_migrate.upgrade" ||
         ends_with_name(call.callee(), "command.upgrade") || calls_for(call, {"migrate"});
}

/// `@app.cli.command("seed-shop")`, else the function's name as click spells it.
std::optional<std::string> command_name(const Definition& made) {
  for (const auto& decorator : made.decorators) {
    const auto& callee = decorator.callee.empty() ? decorator.text : decorator.callee;
    if (!ends_with_name(callee, "cli.command")) continue;
    if (const auto* given = decorator.at(0); given && given->kind == ValueKind::kString)
      return given->text;
    auto name = made.name;
    std::ranges::replace(name, '_', '-');
    return name;
  }
  return std::nullopt;
}

/// Something that runs on and on makes rows because that is its work.
bool runs_on(std::string_view name) {
  return any_of_words(name, {"run", "worker", "bot", "serve", "listen", "consum", "watch", "poll",
                             "schedul", "process", "sync", "fetch"});
}

template <typename Does>
CommandNames commands_that(const Subject& subject, Does does) {
  CommandNames names;
  for (const auto& file : subject.repository.code) {
    if (file.test || file.language != Language::kPython) continue;
    const auto name = file_name(file.path).substr(0, file_name(file.path).rfind('.'));
    const bool does_so =
        std::ranges::any_of(file.calls, [&](const Call& call) { return does(file, call); });
    if (!does_so) continue;
    if (file_name(folder_of(file.path)) == "commands" && !runs_on(name)) names.emplace(name);
    for (const auto& made : file.definitions) {
      const auto command = command_name(made);
      const bool own = command && std::ranges::any_of(file.calls, [&](const Call& call) {
                         return call.scope.function == made.name && does(file, call);
                       });
      if (own && !runs_on(*command)) names.insert(*command);
    }
  }
  return names;
}

}  // namespace

bool makes_rows(const Call& call) {
  for (const auto* name :
       {"create_superuser", "create_user", "objects.create", "bulk_create", "get_or_create",
        "update_or_create", "set_password", "session.add", "session.add_all", "insert_many"})
    if (ends_with_name(call.callee(), name)) return true;
  return false;
}

CommandNames seeding_commands(const Subject& subject) {
  return commands_that(subject, [](const CodeFile&, const Call& call) { return seeds_by(call); });
}

CommandNames migrating_commands(const Subject& subject) {
  return commands_that(subject, migrates_by);
}

std::optional<std::string_view> called_command(std::string_view line, const CommandNames& names) {
  if (names.empty()) return std::nullopt;
  for (const std::string_view runner :
       {"manage.py ", "-m manage ", "flask ", "django-admin ", "manage "}) {
    for (auto from = line.find(runner); from != std::string_view::npos;
         from = line.find(runner, from + 1)) {
      auto rest = trim(line.substr(from + runner.size()));
      if (rest.starts_with("--app "))
        rest = trim(rest.substr(std::min(rest.size(), rest.find(' ', 6))));
      const auto name = rest.substr(0, rest.find_first_of(" \t\"';&|>"));
      if (names.contains(name))
        return line.substr(
            from, static_cast<std::size_t>(name.data() - line.data()) + name.size() - from);
    }
  }
  return std::nullopt;
}

}  // namespace ecluse::preflight
