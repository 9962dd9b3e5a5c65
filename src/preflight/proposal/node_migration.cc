#include "preflight/proposal/node_migration.h"

#include <algorithm>
#include <array>

#include "base/text.h"
#include "preflight/facts/package_script.h"
#include "preflight/facts/shell.h"
#include "preflight/proposal/build_choice.h"
#include "preflight/proposal/migration.h"
#include "preflight/proposal/shell_line.h"

namespace ecluse::preflight {

namespace {

struct Tool {
  std::string_view package;  ///< that brings the program
  std::string_view program;  ///< how a command names it, at least
  std::string_view order;    ///< what it is told to do
};
constexpr std::array kTools = {
    Tool{"sequelize-cli", "sequelize", "db:migrate"}, Tool{"knex", "knex", "migrate:latest"},
    Tool{"typeorm", "typeorm", "migration:run"}, Tool{"drizzle-kit", "drizzle-kit", "migrate"},
    Tool{"prisma", "prisma", "deploy"}};

/// Databases that ecluse gives, or that are a file. Without one a job would only fail.
constexpr std::array kDrivers = {"pg",
                                 "postgres",
                                 "sqlite3",
                                 "better-sqlite3",
                                 "sqlite",
                                 "@libsql/client",
                                 "@prisma/client",
                                 "@neondatabase/serverless",
                                 "@vercel/postgres"};

/// Only starts what stands behind it, or sets a variable for it.
bool is_wrapper(std::string_view word) {
  for (const std::string_view each :
       {"npx", "yarn", "pnpm", "bunx", "exec", "cross-env", "env", "--"})
    if (word == each) return true;
  return word.find('=') != std::string_view::npos && word.find('/') == std::string_view::npos &&
         !word.starts_with('-');
}

std::vector<std::string> unwrapped(std::vector<std::string> words) {
  for (std::size_t front = 1; front > 0 && !words.empty();) {
    front = is_wrapper(words.front()) ? 1 : dotenv_words(words);
    words.erase(words.begin(), words.begin() + static_cast<std::ptrdiff_t>(front));
  }
  std::erase(words, "--");
  return words;
}

class NodeMigration {
 public:
  NodeMigration(const Repository& repository, Part& part, Proposal& out)
      : repository_(repository), part_(part), out_(out) {}

  void propose() {
    for (const auto& each : repository_.manifests)
      if (each.path == in_folder(part_.root, "package.json")) package_ = &each;
    if (!package_ || !has_database()) return;
    if (!by_script()) by_files();
  }

 private:
  bool has_database() const {
    return std::ranges::any_of(kDrivers,
                               [&](const char* driver) { return package_->find(driver); });
  }

  bool by_script() {
    for (const auto& script : package_->scripts) {
      if (is_development_path(script.name)) continue;
      const auto shell = read_shell(follow_scripts(*package_, script.command));
      for (const auto& command : shell.commands) {
        const auto words = unwrapped(command.words);
        const auto* tool = tool_of(words);
        if (!tool) continue;
        add(*tool, join(words, " "),
            {package_->path, script.place, script.name + ": " + script.command});
        return true;
      }
    }
    return false;
  }

  const Tool* tool_of(const std::vector<std::string>& words) const {
    const auto text = join(words, " ");
    if (text.find('\'') != std::string::npos || text.find('$') != std::string::npos) return nullptr;
    for (const auto& tool : kTools) {
      const bool told = std::ranges::find(words, tool.order) != words.end();
      if (told && text.find(tool.program) != std::string::npos && package_->find(tool.package))
        return &tool;
    }
    return nullptr;
  }

  /// In the order of the table; Prisma's folder is found as it always was.
  void by_files() {
    if (const auto why = sequelize_files())
      add(kTools[0], "sequelize-cli db:migrate", *why);
    else if (const auto file = knex_file(); !file.empty())
      add(kTools[1], "knex migrate:latest" + (file == "knexfile.js" ? "" : " --knexfile " + file),
          {in_folder(part_.root, file), {1, 1}, "is there"});
    else if (const auto config = drizzle_file(); !config.empty())
      add(kTools[3], "drizzle-kit migrate", {config, {1, 1}, "is there"});
    else if (const auto folder = in_folder(part_.root, "prisma/migrations");
             repository_.has_folder(folder))
      add(kTools[4], "prisma migrate deploy", {folder, {}, "is there"});
  }

  bool has(std::string_view name) const {
    return repository_.find(in_folder(part_.root, name)) != nullptr;
  }

  std::optional<Evidence> sequelize_files() const {
    if (!package_->find("sequelize")) return std::nullopt;
    if (!package_->find("sequelize-cli")) return std::nullopt;
    if (has(".sequelizerc"))
      return Evidence{in_folder(part_.root, ".sequelizerc"), {1, 1}, "is there"};
    const auto folder = in_folder(part_.root, "migrations");
    const bool usual =
        repository_.has_folder(folder) && (has("config/config.json") || has("config/config.js"));
    return usual ? std::optional(Evidence{folder, {}, "is there"}) : std::nullopt;
  }

  std::string knex_file() const {
    if (!package_->find("knex")) return {};
    for (const auto* folder : {"", "src/", "db/", "database/", "src/db/"})
      for (const auto* end : {"js", "cjs", "mjs", "ts"})
        if (auto name = std::string(folder) + "knexfile." + end; has(name)) return name;
    return {};
  }

  /// Its settings, where migrations were made by them.
  std::string drizzle_file() const {
    if (!package_->find("drizzle-kit")) return {};
    const bool made = std::ranges::any_of(repository_.files, [&](const FileFact& file) {
      const bool inside = part_.root.empty() || file.path.starts_with(part_.root + "/");
      return inside && file.path.ends_with("meta/_journal.json");
    });
    for (const auto* end : {"ts", "js", "mjs"})
      if (const auto name = std::string("drizzle.config.") + end; made && has(name))
        return in_folder(part_.root, name);
    return {};
  }

  void add(const Tool& tool, const std::string& command, Evidence why) {
    const auto* declared = package_->find(tool.package);
    if (declared && declared->development && part_.build.run.empty())
      part_.build.run.push_back(
          {"test -d node_modules/" + std::string(tool.package),
           {package_->path, declared->place,
            "a job needs it, and development packages come where something is run"}});
    const auto* port = demands_port() ? "env PORT=8000 " : "";
    out_.release.push_back({port + in_root(part_, command), std::move(why)});
  }

  /// A job has none, and dotenv-safe demands one of everything that calls it.
  bool demands_port() const {
    return std::ranges::any_of(repository_.code, [&](const CodeFile& file) {
      return is_below(file.path, part_.root) &&
             std::ranges::any_of(file.reads, [](const EnvRead& read) {
               return read.name == "PORT" && read.spelling == "dotenv-safe";
             });
    });
  }

  const Repository& repository_;
  Part& part_;
  Proposal& out_;
  const Manifest* package_ = nullptr;
};

}  // namespace

void propose_node_migration(const Repository& repository, Part& part, Proposal& out) {
  if (part.build.kind == "node") NodeMigration(repository, part, out).propose();
}

}  // namespace ecluse::preflight
