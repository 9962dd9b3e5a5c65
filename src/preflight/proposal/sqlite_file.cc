#include "preflight/proposal/sqlite_file.h"

#include <algorithm>
#include <cctype>

#include "base/text.h"
#include "preflight/proposal/build_choice.h"
#include "preflight/proposal/migration.h"
#include "preflight/proposal/shell_line.h"
#include "preflight/proposal/written_folder.h"
#include "preflight/rules/rule.h"

namespace ecluse::preflight {

namespace {

constexpr std::string_view kFileUrl = "file:";

struct SqliteFile {
  std::string path;  ///< from the top
  Evidence why;
};

bool is_database_name(std::string_view name) {
  return name.ends_with(".db") || name.ends_with(".sqlite") || name.ends_with(".sqlite3") ||
         name.ends_with(".db3");
}

/// Inside the repository, and nothing to a shell: it comes to stand in commands of ecluse.yml.
bool is_plain_path(std::string_view path) {
  return !path.empty() && !path.starts_with('/') && path.find("..") == std::string_view::npos &&
         std::ranges::all_of(path, [](unsigned char c) {
           return std::isalnum(c) ||
                  std::string_view("._-/").find(static_cast<char>(c)) != std::string_view::npos;
         });
}

/// "shop.db" of "sqlite+aiosqlite:///./shop.db"; nothing where it is in memory or elsewhere.
std::optional<std::string> relative_file(std::string_view text) {
  if (!text.starts_with("sqlite")) return std::nullopt;
  const auto start = text.find(":///");
  if (start == std::string_view::npos) return std::nullopt;
  auto path = text.substr(start + 4);
  path = path.substr(0, path.find('?'));
  if (path.starts_with("./")) path.remove_prefix(2);
  return is_plain_path(path) ? std::optional(std::string(path)) : std::nullopt;
}

class SqliteFinder {
 public:
  SqliteFinder(const Repository& repository, const Stack& stack, const Part& part)
      : repository_(repository), stack_(stack), part_(part) {}

  std::optional<SqliteFile> find() const {
    for (const auto& django : stack_.djangos)
      if (part_.framework == Framework::kDjango && django.root == part_.folder)
        return of_django(django);
    // Flask-SQLAlchemy's own folder is proposed as it is.
    if (repository_.find_dependency("flask-sqlalchemy")) return std::nullopt;
    for (const auto& file : repository_.code) {
      if (!is_below(file.path, part_.root) || !is_production_code(file)) continue;
      if (auto found = of_file(file)) return found;
    }
    return std::nullopt;
  }

 private:
  std::optional<SqliteFile> of_django(const Django& django) const {
    const auto databases = django.setting("DATABASES");
    if (!databases) return std::nullopt;
    const auto* first = databases->assignment->value.find("default");
    const auto* engine = first ? first->find("ENGINE") : nullptr;
    const auto* name = first ? first->find("NAME") : nullptr;
    if (!engine || !name || engine->text.find("sqlite") == std::string::npos) return std::nullopt;
    const auto path = path_of(*databases->file, *name, databases->assignment->scope, part_.root);
    if (!path || !is_plain_path(*path) || !is_database_name(*path)) return std::nullopt;
    return SqliteFile{*path, {databases->file->path, name->place, name->text}};
  }

  std::optional<SqliteFile> of_file(const CodeFile& file) const {
    for (const auto& each : file.assignments)
      if (auto found = of_address(file, each.value)) return found;
    for (const auto& each : file.reads)
      if (each.fallback)
        if (auto found = of_address(file, *each.fallback)) return found;
    for (const auto& each : file.fields)
      if (each.value)
        if (auto found = of_address(file, *each.value)) return found;
    for (const auto& call : file.calls)
      if (auto found = of_call(file, call)) return found;
    return std::nullopt;
  }

  std::optional<SqliteFile> of_address(const CodeFile& file, const Value& value) const {
    if (value.kind != ValueKind::kString || value.interpolated) return std::nullopt;
    const auto path = relative_file(value.text);
    return path ? std::optional(found(*path, file, value)) : std::nullopt;
  }

  /// `create_engine("sqlite:///x.db")`, `sqlite3.connect("x.db")`, `new Database("x.db")`, `new
  /// Sequelize({dialect: "sqlite", storage: "x.db"})`, `createClient({url: "file:x.db"})`,
  /// `drizzle({connection: {url: "file:x.db"}})`.
  std::optional<SqliteFile> of_call(const CodeFile& file, const Call& call) const {
    for (const auto& item : call.value.items)
      if (auto address = of_address(file, item.value)) return address;
    const bool opens = ends_with_name(call.callee(), "sqlite3.connect") ||
                       ends_with_name(call.callee(), "Database");
    const auto* name = opens ? call.value.at(0) : nullptr;
    if (const auto* options = call.value.at(0); !name && options) name = options->find("storage");
    if (const auto* options = call.value.at(0); !name && options) name = url_of_file(*options);
    if (!name || name->kind != ValueKind::kString || name->interpolated) return std::nullopt;
    const bool url = name->text.starts_with(kFileUrl);
    const auto path = relative_file("sqlite:///" + name->text.substr(url ? kFileUrl.size() : 0));
    return path && is_database_name(*path) ? std::optional(found(*path, file, *name))
                                           : std::nullopt;
  }

  static const Value* url_of_file(const Value& options) {
    const auto* inner = options.find("connection");
    const auto* url = inner ? inner->find("url") : options.find("url");
    return url && url->text.starts_with(kFileUrl) ? url : nullptr;
  }

  SqliteFile found(const std::string& path, const CodeFile& file, const Value& value) const {
    return {in_folder(part_.folder, path), {file.path, value.place, value.text}};
  }

  const Repository& repository_;
  const Stack& stack_;
  const Part& part_;
};

/// A name beside the file that the repository does not have.
std::string free_folder(const Repository& repository, const std::string& beside) {
  for (const auto* name : {"data", "database", "sqlite-data"})
    if (!repository.has_folder(in_folder(beside, name))) return name;
  return "sqlite-volume";
}

/// The file lies among the release's own: a link takes its place.
void link_into_volume(const Repository& repository, const SqliteFile& file, Part& part,
                      Proposal& out) {
  const auto beside = std::string(folder_of(file.path));
  const auto folder = free_folder(repository, beside);
  const auto name = std::string(file_name(file.path));
  const auto own = file.path.substr(part.root.empty() ? 0 : part.root.size() + 1);
  const auto place = in_folder(beside, folder);
  if (const auto* held = repository.find(file.path); held && held->committed) {
    part.build.run.push_back({"mv " + own + " " + own + ".committed", file.why});
    // The jobs' order matters: migrations come after it.
    out.release.insert(out.release.begin(),
                       {in_shell("test -e " + place + "/" + name + " || cp " + file.path +
                                 ".committed " + place + "/" + name),
                        file.why});
  }
  part.build.run.push_back({"ln -s " + folder + "/" + name + " " + own, file.why});
  out.volumes.try_emplace(folder, Proven{"/app/" + place, file.why});
}

/// What is built of a part knows nothing of the folders beside it.
void note_outside(const SqliteFile& file, const Part& part, Proposal& out) {
  out.gaps.push_back({"the database is the SQLite file " + file.path + ", outside " + part.root +
                          "/: instances may not write to it",
                      "keep it below " + part.root +
                          "/, or read DATABASE_URL and declare a driver of PostgreSQL: ecluse "
                          "then gives one",
                      file.why});
}

void propose_for_part(const Repository& repository, const Stack& stack, Part& part, Proposal& out) {
  const auto file = SqliteFinder(repository, stack, part).find();
  if (!file) return;
  if (!is_below(file->path, part.root)) return note_outside(*file, part, out);
  const auto folder = std::string(folder_of(file->path));
  const bool own_folder = folder != part.folder && !holds_files(repository, folder);
  if (own_folder)
    out.volumes.try_emplace(app_name(file_name(folder)), Proven{"/app/" + folder, file->why});
  else if (!part.build.kind.empty())
    link_into_volume(repository, *file, part, out);
  else
    return;
  out.gaps.push_back(
      {"the database is the SQLite file " + file->path +
           ", kept in a volume: it carries one instance and is not moved to another server",
       "read DATABASE_URL and declare a driver of PostgreSQL: ecluse then gives one", file->why});
}

}  // namespace

void propose_sqlite_file(const Repository& repository, const Stack& stack, Proposal& out) {
  if (out.services.contains("db")) return;
  for (auto& part : out.parts) propose_for_part(repository, stack, part, out);
}

}  // namespace ecluse::preflight
