#include "cli/arguments.h"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <charconv>

#include "base/text.h"

namespace ecluse::cli {

void Arguments::flag(std::string names, bool& target, std::string help) {
  all_.push_back({.kind = ArgumentKind::kFlag,
                  .names = std::move(names),
                  .help = std::move(help),
                  .set = [&target](const std::string&) -> Result<void> {
                    target = true;
                    return {};
                  }});
}

void Arguments::value(std::string names, std::string value, std::string& target, std::string help,
                      std::vector<std::string> choices) {
  all_.push_back({.kind = ArgumentKind::kValue,
                  .names = std::move(names),
                  .value = std::move(value),
                  .help = std::move(help),
                  .choices = std::move(choices),
                  .set = [&target](const std::string& text) -> Result<void> {
                    target = text;
                    return {};
                  }});
}

void Arguments::values(std::string names, std::string value, std::vector<std::string>& target,
                       std::string help) {
  words(std::move(names), target, std::move(help));
  all_.back().kind = ArgumentKind::kValue;
  all_.back().value = std::move(value);
  all_.back().repeats = true;
}

void Arguments::number(std::string names, std::string value, std::optional<std::uint32_t>& target,
                       std::string help) {
  all_.push_back({.kind = ArgumentKind::kValue,
                  .names = std::move(names),
                  .value = std::move(value),
                  .help = std::move(help),
                  .set = [&target](const std::string& text) -> Result<void> {
                    std::uint32_t number = 0;
                    const auto* const end = text.data() + text.size();
                    const auto read = std::from_chars(text.data(), end, number);
                    if (read.ec != std::errc{} || read.ptr != end) {
                      return fail(
                          ErrorKind::kInvalid,
                          fmt::format("expected a whole number, got \"{}\"", printable(text)));
                    }
                    target = number;
                    return {};
                  }});
}

void Arguments::positional(std::string name, std::string& target, std::string help, bool required,
                           std::vector<std::string> choices) {
  value(std::move(name), "", target, std::move(help), std::move(choices));
  all_.back().kind = ArgumentKind::kPositional;
  all_.back().required = required;
}

void Arguments::number_positional(std::string name, std::optional<std::uint32_t>& target,
                                  std::string help) {
  number(std::move(name), "", target, std::move(help));
  all_.back().kind = ArgumentKind::kPositional;
}

void Arguments::words(std::string name, std::vector<std::string>& target, std::string help,
                      bool required) {
  all_.push_back({.kind = ArgumentKind::kWords,
                  .names = std::move(name),
                  .help = std::move(help),
                  .required = required,
                  .set = [&target](const std::string& text) -> Result<void> {
                    target.push_back(text);
                    return {};
                  }});
}

void Arguments::command(std::string name, std::vector<std::string>& target, std::string help) {
  words(std::move(name), target, std::move(help), true);
  all_.back().kind = ArgumentKind::kCommand;
}

std::vector<std::string> spellings(const Argument& argument) {
  return split(argument.names, ',');
}

std::string usage_of(const VerbLine& line, const Arguments& arguments) {
  std::string usage = "ecluse " + line.verb;
  std::string command;
  for (const auto& argument : arguments.all()) {
    const auto name = spellings(argument).back();
    switch (argument.kind) {
      case ArgumentKind::kFlag:
        usage += fmt::format(" [{}]", name);
        break;
      case ArgumentKind::kValue:
        usage += fmt::format(" [{} {}]{}", name, argument.value, argument.repeats ? "..." : "");
        break;
      case ArgumentKind::kPositional:
        usage += argument.required ? " " + name : fmt::format(" [{}]", name);
        break;
      case ArgumentKind::kWords:
        usage += argument.required ? fmt::format(" {}...", name) : fmt::format(" [{}...]", name);
        break;
      case ArgumentKind::kCommand:
        command = fmt::format(" -- {}...", name);
        break;
    }
  }
  return usage + command;
}

namespace {

/// CLI11 tells errors by exceptions; ours carry one sentence each.
Error usage_error(std::string message) {
  return {ErrorKind::kInvalid, std::move(message), ""};
}

void declare(CLI::App& app, const Argument& argument, std::optional<Error>& problem) {
  const auto set = [&argument, &problem](const std::string& text) {
    auto done = argument.set(text);
    if (!done && !problem) problem = in_context(argument.names, std::move(done).error());
    return done.has_value();
  };
  const auto set_all = [set](const std::vector<std::string>& all) {
    for (const auto& word : all) set(word);
  };
  switch (argument.kind) {
    case ArgumentKind::kFlag:
      app.add_flag_function(argument.names, [set](std::int64_t) { set(""); }, argument.help);
      break;
    case ArgumentKind::kValue:
      if (argument.repeats) {
        app.add_option_function<std::vector<std::string>>(argument.names, set_all, argument.help)
            ->type_name(argument.value)
            ->allow_extra_args(false);
      } else {
        app.add_option_function<std::string>(argument.names, set, argument.help)
            ->type_name(argument.value);
      }
      break;
    case ArgumentKind::kPositional:
      app.add_option_function<std::string>(argument.names, set, argument.help)
          ->type_name("")
          ->required(argument.required);
      break;
    case ArgumentKind::kWords:
      app.add_option_function<std::vector<std::string>>(argument.names, set_all, argument.help)
          ->type_name("")
          ->required(argument.required);
      break;
    case ArgumentKind::kCommand:
      break;  // split off before CLI11 sees it
  }
}

const Argument* command_of(const Arguments& arguments) {
  for (const auto& argument : arguments.all()) {
    if (argument.kind == ArgumentKind::kCommand) return &argument;
  }
  return nullptr;
}

/// CLI11's text for unknown options names them; we add the nearest known one.
Error unknown_option(const CLI::ExtrasError& error, const Arguments& arguments,
                     const std::vector<std::string>& words) {
  std::vector<std::string> known = {"--help"};
  for (const auto& argument : arguments.all()) {
    const auto names = spellings(argument);
    known.insert(known.end(), names.begin(), names.end());
  }
  for (const auto& word : words) {
    const auto name = word.substr(0, word.find('='));
    const bool strange = std::string_view(error.what()).find(name) != std::string_view::npos;
    if (!strange) continue;
    const auto near = nearest(name, known);
    return {ErrorKind::kInvalid, fmt::format("unexpected \"{}\"", printable(word)),
            near ? fmt::format("did you mean {}?", *near) : ""};
  }
  return usage_error(error.what());
}

/// CLI11's own help knows neither "--" nor the order of our table.
std::string help_text(const VerbLine& line, const Arguments& arguments) {
  std::string text = fmt::format("{}\n\nUsage: {}\n", line.help, usage_of(line, arguments));
  for (const auto& argument : arguments.all()) {
    text += fmt::format("  {:<28} {}\n",
                        argument.names + (argument.value.empty() ? "" : " " + argument.value),
                        argument.help);
  }
  text += fmt::format("  {:<28} {}\n", "-h,--help", "This text");
  if (!line.details.empty()) text += "\n" + line.details + "\n";
  return text;
}

}  // namespace

Result<std::optional<std::string>> parse_arguments(const VerbLine& line, const Arguments& arguments,
                                                   const std::vector<std::string>& words) {
  const Argument* const command = command_of(arguments);
  const auto dashes = command ? std::find(words.begin(), words.end(), "--") : words.end();
  CLI::App app(line.help, line.verb);
  std::optional<Error> problem;
  for (const auto& argument : arguments.all()) declare(app, argument, problem);
  try {
    std::vector<std::string> reversed(std::make_reverse_iterator(dashes), words.rend());
    app.parse(reversed);
  } catch (const CLI::CallForHelp&) {
    return help_text(line, arguments);
  } catch (const CLI::ExtrasError& error) {
    return fail(unknown_option(error, arguments, words));
  } catch (const CLI::ParseError& error) {
    return fail(problem ? *problem : usage_error(error.what()));
  }
  if (problem) return fail(std::move(*problem));
  if (command == nullptr) return std::nullopt;
  for (auto word = dashes == words.end() ? dashes : dashes + 1; word != words.end(); ++word) {
    ECLUSE_TRY(command->set(*word));
  }
  if (dashes == words.end() || dashes + 1 == words.end()) {
    return fail(ErrorKind::kInvalid, fmt::format("the {} is missing", command->names),
                fmt::format("put it behind two dashes: {}", usage_of(line, arguments)));
  }
  return std::nullopt;
}

}  // namespace ecluse::cli
