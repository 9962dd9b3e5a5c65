#include "preflight/proposal/node_start.h"

#include <algorithm>
#include <array>

#include "base/text.h"
#include "preflight/facts/package_script.h"
#include "preflight/facts/shell.h"
#include "preflight/proposal/build_choice.h"
#include "preflight/proposal/serving.h"
#include "preflight/proposal/shell_line.h"
#include "preflight/rules/rule.h"

namespace ecluse::preflight {

namespace {

constexpr std::array kScripts = {"start", "start:prod", "start:production", "prod", "serve"};
/// `nodemon server.js` is for development, and says what the server is.
constexpr std::array kWatchingScripts = {"start",   "server", "start-server", "start:server",
                                         "backend", "dev",    "develop",      "watch"};
constexpr std::array kServers = {"express",        "koa",     "fastify",   "@hapi/hapi",
                                 "polka",          "restify", "socket.io", "apollo-server",
                                 "@nestjs/core",   "hono",    "h3",        "@adonisjs/core",
                                 "@strapi/strapi", "sails"};
/// Those whose server is built.
constexpr std::array kBuiltServers = {"next",
                                      "nuxt",
                                      "nitropack",
                                      "@remix-run/serve",
                                      "@react-router/serve",
                                      "@sveltejs/adapter-node"};

bool declares_server(const Manifest& manifest) {
  return std::ranges::any_of(kServers, [&](const char* name) { return manifest.find(name); });
}

bool builds_server(const Manifest& manifest) {
  return std::ranges::any_of(kBuiltServers, [&](const char* name) { return manifest.find(name); });
}

class NodeStart {
 public:
  NodeStart(const Repository& repository, const Manifest& manifest,
            const std::vector<StartLine>& lines)
      : repository_(repository),
        manifest_(manifest),
        lines_(lines),
        folder_(folder_of(manifest.path)) {}

  /// A package in a folder may be a tool of the others: it starts, and ends.
  std::optional<Proven> find() const {
    const bool serves =
        folder_.empty() || declares_server(manifest_) || builds_server(manifest_) || listens();
    return serves ? command() : std::nullopt;
  }

 private:
  bool listens() const {
    return std::ranges::any_of(repository_.code, [&](const CodeFile& file) {
      return is_below(file.path, folder_) && !file.test &&
             std::ranges::any_of(file.calls, [](const Call& call) {
               return ends_with_name(call.callee(), "listen");
             });
    });
  }

  std::optional<Proven> command() const {
    for (const auto* name : kScripts)
      if (auto command = serving_script(name)) return command;
    if (const auto* next = manifest_.find("next"))
      return Proven{"next start -p $PORT", {manifest_.path, next->place, "next is declared"}};
    if (auto server = built_server()) return server;
    if (auto command = started_elsewhere()) return command;
    for (const auto* name : kWatchingScripts)
      if (auto command = watched_program(name)) return command;
    // `run-p start:*` starts several at once; one of them is the server.
    for (const auto& script : manifest_.scripts)
      if (script.name.starts_with("start:"))
        if (auto command = watched_program(script.name)) return command;
    return main_program();
  }

  std::optional<Proven> serving_script(std::string_view name) const {
    const auto* script = manifest_.find_script(name);
    if (!script) return std::nullopt;
    auto serving = find_serving(follow_scripts(manifest_, script->command));
    if (!serving || is_package_script(*serving)) return own_program(*script);
    leave_missing_env_file(*serving);
    return proven(*script, command_of(*serving));
  }

  /// `node --env-file=.env server.js` ends where the file is not there; the variables are given.
  void leave_missing_env_file(Serving& serving) const {
    constexpr std::string_view kFlag = "--env-file=";
    std::erase_if(serving.words, [&](std::string_view word) {
      return word.starts_with(kFlag) &&
             !repository_.find(join_path(folder_, word.substr(kFlag.size())));
    });
  }

  /// The server that SvelteKit, Nuxt and Nitro build; `nuxt start` is no more since version 3.
  std::optional<Proven> built_server() const {
    const auto* script = manifest_.find_script("build");
    if (script && manifest_.find("@sveltejs/adapter-node")) return proven(*script, "node build");
    if (!script || !any_of_words(script->command,
                                 {"nuxt build", "nuxi build", "nitropack build", "nitro build"}))
      return std::nullopt;
    return proven(*script, "node .output/server/index.mjs");
  }

  /// `CMD ["node", "dist/server.js"]` of its own image, a compose file or a platform.
  std::optional<Proven> started_elsewhere() const {
    for (const auto& line : lines_) {
      if (line.folder != folder_) continue;
      auto serving = find_serving(follow_scripts(manifest_, line.shell));
      const bool node = serving && serving->server == Server::kNode && !is_package_script(*serving);
      const bool there = node && std::ranges::any_of(serving->words, [&](std::string_view word) {
                           return program_file(word).has_value();
                         });
      if (!there) continue;
      leave_missing_env_file(*serving);
      return Proven{command_of(*serving), line.why};
    }
    return std::nullopt;
  }

  /// `npm start` of another folder: what that comes to run is not this part.
  static bool is_package_script(const Serving& serving) {
    const auto& program = serving.words[0];
    return program == "npm" || program == "yarn" || program == "pnpm";
  }

  /// `"start": "./bin/shop"`
  std::optional<Proven> own_program(const Script& script) const {
    const auto word = script.command.substr(0, script.command.find(' '));
    if (!word.starts_with("./") || !program_file(word)) return std::nullopt;
    return proven(script, "node " + script.command);
  }

  std::optional<Proven> watched_program(std::string_view name) const {
    const auto* script = manifest_.find_script(name);
    if (!script) return std::nullopt;
    for (const auto& command : read_shell(follow_scripts(manifest_, script->command)).commands) {
      const auto& words = command.words;
      const bool tsx = words.size() > 1 && words[0] == "tsx";
      const auto watcher = std::ranges::find_if(words, [&](std::string_view word) {
        return word == "nodemon" || word == "ts-node-dev" || word == "tsnd" || word == "--watch" ||
               (tsx && word == "watch");
      });
      if (watcher == words.end()) continue;
      for (auto word = watcher + 1; word != words.end(); ++word)
        if (const auto program = program_file(*word)) return proven(*script, run(*program));
      // `nodemon` alone runs what `main` names.
      if (watcher + 1 == words.end()) return main_program();
    }
    return std::nullopt;
  }

  std::optional<Proven> main_program() const {
    if (!declares_server(manifest_)) return std::nullopt;
    auto program = program_file(manifest_.main);
    for (const auto* usual : {"server.js", "index.js", "app.js", "src/index.js", "src/server.js"})
      if (!program) program = committed_file(usual);
    if (!program) return std::nullopt;
    return Proven{run(*program),
                  {manifest_.path, {1, 1}, *program + " is there, and a server is declared"}};
  }

  /// "server" as the file of the part that Node finds for it; nothing when there is none.
  std::optional<std::string> program_file(std::string_view name) const {
    if (auto file = committed_file(name)) return file;
    return name.starts_with('-') ? std::nullopt : built_file(std::string(name));
  }

  std::optional<std::string> committed_file(std::string_view name) const {
    if (name.empty() || name.starts_with('-')) return std::nullopt;
    const auto path = join_path(folder_, name);
    for (const auto* end : {"", ".js", "/index.js"}) {
      const auto found = path + end;
      if (!repository_.find(found) || !is_below(found, folder_)) continue;
      return found.substr(folder_.empty() ? 0 : folder_.size() + 1);
    }
    return std::nullopt;
  }

  /// "dist/server.js", which `npm run build` makes of src/server.ts.
  std::optional<std::string> built_file(std::string name) const {
    if (name.starts_with("./")) name.erase(0, 2);
    const auto slash = name.find('/');
    const auto end = name.rfind('.');
    const bool program = name.ends_with(".js") || name.ends_with(".mjs") || name.ends_with(".cjs");
    if (!manifest_.find_script("build") || slash == std::string::npos || !program)
      return std::nullopt;
    const auto source = name.substr(slash + 1, end - slash - 1);
    for (const auto* folder : {"src/", ""})
      for (const auto* kind : {".ts", ".mts", ".js"})
        if (repository_.find(in_folder(folder_, folder + source + kind))) return name;
    return std::nullopt;
  }

  std::string run(const std::string& program) const {
    const auto file = shell_word(program);
    if (!program.ends_with(".ts")) return "node " + file;
    return (manifest_.find("tsx") ? "tsx " : "ts-node ") + file;
  }

  Proven proven(const Script& script, std::string command) const {
    return {std::move(command),
            {manifest_.path, script.place, script.name + ": " + script.command}};
  }

  const Repository& repository_;
  const Manifest& manifest_;
  const std::vector<StartLine>& lines_;
  std::string folder_;
};

}  // namespace

std::optional<Proven> node_command(const Repository& repository, const Manifest& manifest,
                                   const std::vector<StartLine>& lines) {
  return NodeStart(repository, manifest, lines).find();
}

}  // namespace ecluse::preflight
