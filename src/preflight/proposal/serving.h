#pragma once
// A line of shell as the one command in it that serves HTTP in production. Pure.

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace ecluse::preflight {

enum class Server { kGunicorn, kUvicorn, kHypercorn, kDaphne, kWaitress, kStreamlit, kNode, kNext };

struct Serving {
  Server server = Server::kGunicorn;
  std::vector<std::string> words;  ///< the program first, without `exec`, `uv run`, `python -m`
};

/// The last command of `shell` that serves; nothing when it only idles, or serves for development
/// (`runserver`, `--reload`, `npm run dev`). Looks into `sh -c "..."`.
std::optional<Serving> find_serving(std::string_view shell);

/// The command as ecluse runs it: what it listens on is 0.0.0.0:$PORT wherever a flag says so.
std::string command_of(const Serving& serving);

/// "shop.wsgi:application" of gunicorn and its kin, "main.py" of streamlit; "" when it names none.
std::string target_of(const Serving& serving);

}  // namespace ecluse::preflight
