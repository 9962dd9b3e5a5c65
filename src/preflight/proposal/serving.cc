#include "preflight/proposal/serving.h"

#include <algorithm>
#include <array>
#include <cctype>

#include "base/text.h"
#include "preflight/facts/shell.h"
#include "preflight/facts/text_file.h"
#include "preflight/proposal/shell_line.h"

namespace ecluse::preflight {

namespace {

constexpr int kNestedShellsMax = 3;
using Words = std::vector<std::string>;

struct Program {
  std::string_view name;
  Server server;
};
constexpr std::array kPrograms = {
    Program{"gunicorn", Server::kGunicorn},
    Program{"uvicorn", Server::kUvicorn},
    Program{"hypercorn", Server::kHypercorn},
    Program{"daphne", Server::kDaphne},
    Program{"waitress-serve", Server::kWaitress},
    Program{"streamlit", Server::kStreamlit},
    Program{"node", Server::kNode},
    Program{"tsx", Server::kNode},
    Program{"ts-node", Server::kNode},
    Program{"babel-node", Server::kNode},
    Program{"npm", Server::kNode},
    Program{"yarn", Server::kNode},
    Program{"pnpm", Server::kNode},
    Program{"next", Server::kNext},
    Program{"remix-serve", Server::kNode},
    Program{"react-router-serve", Server::kNode},
};

/// Words that only start the program behind them.
std::size_t wrapper_words(const Words& words) {
  const auto is = [&](std::size_t n, std::string_view word) {
    return n < words.size() && words[n] == word;
  };
  if (is(0, "dotenv")) return dotenv_words(words);
  if (is(0, "env-cmd")) return is(1, "-f") ? 3 : 1;
  if (is(0, "cross-env") || is(0, "exec") || is(0, "nohup") || is(0, "npx") || is(0, "tini") ||
      is(0, "dumb-init") || is(0, "--") || is(0, "env"))
    return 1;
  const bool runner = is(0, "uv") || is(0, "poetry") || is(0, "pipenv") || is(0, "pdm");
  if (runner && is(1, "run")) return 2;
  if (is(0, "bunx")) return 1;
  if (is(0, "bun") && (is(1, "next") || is(1, "--bun"))) return is(1, "next") ? 1 : 2;
  const bool python = is(0, "python") || is(0, "python3");
  return python && is(1, "-m") ? 2 : 0;
}

bool is_assignment(std::string_view word) {
  const auto equals = word.find('=');
  return equals != std::string_view::npos && equals > 0 &&
         std::ranges::all_of(word.substr(0, equals),
                             [](unsigned char c) { return std::isalnum(c) || c == '_'; });
}

Words unwrapped(Words words) {
  for (bool changed = true; changed && !words.empty();) {
    auto front = wrapper_words(words);
    const bool flag = words[0].starts_with("--") && words[0].size() > 2;  // of `uv run --frozen`
    if (front == 0 && (is_assignment(words[0]) || flag)) front = 1;
    words.erase(words.begin(), words.begin() + static_cast<std::ptrdiff_t>(front));
    changed = front > 0;
  }
  if (!words.empty()) words[0] = std::string(file_name(words[0]));
  return words;
}

bool is_for_development(const Words& words) {
  return std::ranges::any_of(words, [](std::string_view word) {
    return word == "--reload" || word == "dev" || word == "runserver" || word == "nodemon" ||
           word == "start:dev" || word == "--debug";
  });
}

/// The program that an interpreter runs: its first word that is no flag and no flag's value.
std::string_view program_of(const Words& words) {
  for (std::size_t i = 1; i < words.size(); ++i) {
    const std::string_view word = words[i];
    if (word == "-e" || word == "-p" || word == "--eval" || word == "--watch") return {};
    if (word == "-r" || word == "--require" || word == "--import" || word == "--loader" ||
        word == "-P" || word == "--project")
      ++i;
    else if (!word.starts_with('-'))
      return word;
  }
  return {};
}

bool starts_something(Server server, const Words& words) {
  const auto second = words.size() > 1 ? std::string_view(words[1]) : std::string_view{};
  const auto third = words.size() > 2 ? std::string_view(words[2]) : std::string_view{};
  switch (server) {
    case Server::kNode:
      if (words[0].ends_with("-serve")) return words.size() > 1;
      if (words[0] == "node" || words[0] == "tsx" || words[0].ends_with("-node")) {
        const auto program = program_of(words);
        return !program.empty() && program.find("seed") == std::string::npos;
      }
      return second == "start" || (second == "run" && third.starts_with("start")) ||
             (words[0] == "yarn" && second == "start");
    case Server::kNext:
      return second == "start";
    case Server::kStreamlit:
      return second == "run";
    case Server::kGunicorn:
    case Server::kUvicorn:
    case Server::kHypercorn:
    case Server::kDaphne:
    case Server::kWaitress:
      return words.size() > 1;
  }
  return false;
}

std::optional<Serving> serving_of(Words words) {
  words = unwrapped(std::move(words));
  if (words.empty() || is_for_development(words)) return std::nullopt;
  for (const auto& program : kPrograms) {
    if (words[0] == program.name && starts_something(program.server, words))
      return Serving{program.server, std::move(words)};
  }
  return std::nullopt;
}

std::optional<Serving> find(std::string_view shell, int depth) {
  std::optional<Serving> last;
  for (const auto& command : read_shell(shell).commands) {
    auto words = unwrapped(command.words);
    const bool nested = words.size() > 2 && words[0].ends_with("sh") && words[1].ends_with("c");
    auto found = nested && depth < kNestedShellsMax
                     ? find(join(std::span(words).subspan(2), " "), depth + 1)
                     : serving_of(std::move(words));
    if (found) last = std::move(found);
  }
  return last;
}

/// Flags that say where to listen; each takes a value, unless it holds one behind "=".
std::vector<std::string_view> listening_flags(Server server) {
  switch (server) {
    case Server::kGunicorn:
      return {"--bind", "-b", "--daemon"};
    case Server::kUvicorn:
      return {"--host", "--port", "--uds", "--fd"};
    case Server::kHypercorn:
      return {"--bind", "-b"};
    case Server::kDaphne:
      return {"--bind", "-b", "--port", "-p", "--unix-socket", "-u", "--fd"};
    case Server::kWaitress:
      return {"--listen", "--host", "--port", "--unix-socket"};
    case Server::kStreamlit:
      return {"--server.port", "--server.address", "--server.headless"};
    case Server::kNext:
      return {"--port", "-p", "--hostname", "-H"};
    case Server::kNode:
      return {};
  }
  return {};
}

std::string_view listening_words(Server server) {
  switch (server) {
    case Server::kGunicorn:
    case Server::kHypercorn:
      return " --bind 0.0.0.0:$PORT";
    case Server::kUvicorn:
      return " --host 0.0.0.0 --port $PORT";
    case Server::kDaphne:
      return " -b 0.0.0.0 -p $PORT";
    case Server::kWaitress:
      return " --listen=0.0.0.0:$PORT";
    case Server::kStreamlit:
      return " --server.address 0.0.0.0 --server.port $PORT --server.headless true";
    case Server::kNext:
      return " -p $PORT";
    case Server::kNode:
      return "";
  }
  return "";
}

Words without_listening(const Serving& serving) {
  const auto flags = listening_flags(serving.server);
  Words kept;
  for (std::size_t i = 0; i < serving.words.size(); ++i) {
    const std::string_view word = serving.words[i];
    // "-b :8000" is one word of a JSON list whose author forgot a comma.
    const auto name = word.substr(0, word.find_first_of("= "));
    if (std::ranges::find(flags, name) == flags.end()) {
      kept.emplace_back(word);
    } else if (name == word && name != "--daemon" && i + 1 < serving.words.size() &&
               !serving.words[i + 1].starts_with("-")) {
      ++i;
    }
  }
  return kept;
}

}  // namespace

std::optional<Serving> find_serving(std::string_view shell) {
  return find(shell, 0);
}

std::string command_of(const Serving& serving) {
  Words words;
  for (const auto& word : without_listening(serving)) words.push_back(shell_word(word));
  return join(words, " ") + std::string(listening_words(serving.server));
}

std::string target_of(const Serving& serving) {
  const auto words = without_listening(serving);
  const bool streamlit = serving.server == Server::kStreamlit;
  for (std::size_t i = 1; i < words.size(); ++i) {
    const auto& word = words[i];
    if (streamlit ? word.ends_with(".py")
                  : word.find(':') != std::string::npos || word.ends_with(".wsgi") ||
                        word.ends_with(".asgi"))
      return word;
  }
  return {};
}

}  // namespace ecluse::preflight
