#include "cli/completion.h"

#include <fmt/format.h>

#include <ostream>

#include "base/text.h"
#include "cli/verbs_list.h"

namespace ecluse::cli {

namespace {

std::vector<Argument> arguments_of(const Verb& verb) {
  Arguments arguments;
  const auto action = verb.declare(arguments);  // owns what the arguments point to
  return arguments.all();
}

std::vector<std::string> verb_names() {
  std::vector<std::string> names;
  for (const auto& verb : verbs()) names.push_back(verb.name);
  return names;
}

bool is_option(const Argument& argument) {
  return argument.kind == ArgumentKind::kFlag || argument.kind == ArgumentKind::kValue;
}

std::vector<std::string> words_of(const Verb& verb) {
  std::vector<std::string> words = {"--help"};
  for (const auto& argument : arguments_of(verb)) {
    if (is_option(argument)) {
      for (const auto& name : spellings(argument)) words.push_back(name);
    }
    words.insert(words.end(), argument.choices.begin(), argument.choices.end());
  }
  return words;
}

/// For text between single quotes of a POSIX shell, zsh or fish.
std::string quoted(const std::string& text) {
  std::string out;
  for (const char c : text) out += c == '\'' ? std::string("'\\''") : std::string(1, c);
  return "'" + out + "'";
}

std::string escaped(std::string text, const std::string& special) {
  std::string out;
  for (const char c : text) {
    if (special.find(c) != std::string::npos) out += '\\';
    out += c;
  }
  return out;
}

}  // namespace

std::string bash_completion() {
  std::string script =
      "# bash completion of ecluse: source it, or put it into bash_completion.d\n"
      "_ecluse() {\n"
      "  local word=${COMP_WORDS[COMP_CWORD]} words=\n"
      "  if ((COMP_CWORD == 1)); then\n";
  script += fmt::format("    words={}\n", quoted(join(verb_names(), " ")));
  script += "  else\n    case ${COMP_WORDS[1]} in\n";
  for (const auto& verb : verbs()) {
    script += fmt::format("      {}) words={} ;;\n", verb.name, quoted(join(words_of(verb), " ")));
  }
  script +=
      "    esac\n"
      "  fi\n"
      "  mapfile -t COMPREPLY < <(compgen -W \"$words\" -- \"$word\")\n"
      "}\n"
      "complete -o default -F _ecluse ecluse\n";
  return script;
}

namespace {

std::string zsh_arguments(const Verb& verb) {
  std::string lines;
  for (const auto& argument : arguments_of(verb)) {
    if (!is_option(argument)) continue;
    const auto help = escaped(argument.help, "[]:");
    for (const auto& name : spellings(argument)) {
      const auto value = argument.value.empty() ? "" : ":" + escaped(argument.value, ":");
      lines += " \\\n        " + quoted(fmt::format("{}[{}]{}", name, help, value));
    }
  }
  return lines;
}

}  // namespace

std::string zsh_completion() {
  std::string script = "#compdef ecluse\n_ecluse() {\n  local -a verbs\n  verbs=(\n";
  for (const auto& verb : verbs()) {
    script += "    " + quoted(fmt::format("{}:{}", verb.name, escaped(verb.help, ":"))) + "\n";
  }
  script +=
      "  )\n"
      "  if ((CURRENT == 2)); then\n"
      "    _describe verb verbs\n"
      "    return\n"
      "  fi\n"
      "  local verb=$words[2]\n"
      "  shift words\n"
      "  ((CURRENT--))\n"
      "  case $verb in\n";
  for (const auto& verb : verbs()) {
    script += fmt::format("    {})\n      _arguments '--help[Help]'{} ;;\n", verb.name,
                          zsh_arguments(verb));
  }
  return script + "  esac\n}\n_ecluse \"$@\"\n";
}

namespace {

std::string fish_argument(const Verb& verb, const Argument& argument) {
  std::string line =
      fmt::format("complete -c ecluse -n '__fish_seen_subcommand_from {}'", verb.name);
  for (const auto& name : spellings(argument)) {
    line += name.starts_with("--") ? " -l " + name.substr(2) : " -s " + name.substr(1);
  }
  if (argument.kind == ArgumentKind::kValue) line += " -r";
  return fmt::format("{} -d {}\n", line, quoted(argument.help));
}

}  // namespace

std::string fish_completion() {
  std::string script = "# fish completion of ecluse\n";
  for (const auto& verb : verbs()) {
    script += fmt::format("complete -c ecluse -n __fish_use_subcommand -a {} -d {}\n", verb.name,
                          quoted(verb.help));
    for (const auto& argument : arguments_of(verb)) {
      if (is_option(argument)) script += fish_argument(verb, argument);
      for (const auto& choice : argument.choices) {
        script += fmt::format("complete -c ecluse -n '__fish_seen_subcommand_from {}' -a {}\n",
                              verb.name, choice);
      }
    }
  }
  return script;
}

Verb completion_verb() {
  return {"completion", "The machine", "The completion script of a shell",
          [](Arguments& arguments) -> Action {
            auto shell = std::make_shared<std::string>();
            arguments.positional("SHELL", *shell, "bash, zsh or fish", true,
                                 {"bash", "zsh", "fish"});
            return [shell](const Session& session) {
              if (*shell == "bash") session.terminal.out << bash_completion();
              if (*shell == "zsh") session.terminal.out << zsh_completion();
              if (*shell == "fish") session.terminal.out << fish_completion();
              const bool known = *shell == "bash" || *shell == "zsh" || *shell == "fish";
              if (known) return static_cast<int>(kDone);
              return report(session, {},
                            {ErrorKind::kInvalid, "no completion for " + printable(*shell),
                             "bash, zsh and fish are known"},
                            kUsage);
            };
          },
          "As in: source <(ecluse completion bash)"};
}

}  // namespace ecluse::cli
