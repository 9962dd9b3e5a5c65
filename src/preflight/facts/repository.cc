#include "preflight/facts/repository.h"

#include <algorithm>
#include <array>
#include <iterator>

#include "base/text.h"
#include "preflight/facts/env_example.h"
#include "preflight/facts/javascript.h"
#include "preflight/facts/python.h"
#include "preflight/facts/served_stage.h"
#include "preflight/facts/settings_class.h"

namespace ecluse::preflight {

namespace {

constexpr std::string_view kSqliteMagic("SQLite format 3\0", 16);

bool has_extension(std::string_view path, std::initializer_list<std::string_view> list) {
  return std::ranges::any_of(list, [&](auto each) { return path.ends_with(each); });
}

bool is_python(std::string_view path) {
  return path.ends_with(".py");
}
bool is_javascript(std::string_view path) {
  return has_extension(path, {".js", ".jsx", ".ts", ".tsx", ".mjs", ".cjs"}) &&
         !has_extension(path, {".min.js", ".d.ts", ".bundle.js", ".chunk.js"}) &&
         path.find("build/static/js/") == std::string_view::npos;
}
bool is_yaml(std::string_view path) {
  return has_extension(path, {".yml", ".yaml"});
}
bool is_shell(std::string_view path) {
  return has_extension(path, {".sh", ".bash"});
}
bool is_database_name(std::string_view path) {
  return has_extension(path, {".sqlite3", ".sqlite", ".db", ".db3"});
}

/// Small files that rules read by line.
bool is_kept(std::string_view path) {
  const auto name = file_name(path);
  static constexpr std::array kNames = {
      std::string_view("Procfile"),         std::string_view("Makefile"),
      std::string_view(".gitignore"),       std::string_view("runtime.txt"),
      std::string_view(".python-version"),  std::string_view("fly.toml"),
      std::string_view("app.json"),         std::string_view("vercel.json"),
      std::string_view("netlify.toml"),     std::string_view("schema.prisma"),
      std::string_view("gunicorn.conf.py"), std::string_view("pytest.ini"),
      std::string_view("setup.cfg"),        std::string_view("tox.ini"),
      std::string_view(".flake8"),          std::string_view(".coveragerc"),
      std::string_view("supervisord.conf"), std::string_view("config.toml"),
      std::string_view("Caddyfile"),        std::string_view("Jenkinsfile"),
      std::string_view("pyproject.toml"),   std::string_view("alembic.ini"),
      std::string_view("nixpacks.toml"),    std::string_view(".ecluse-baseline"),
      std::string_view("railway.json"),     std::string_view("railway.toml"),
      std::string_view("uwsgi.ini")};
  if (std::ranges::find(kNames, name) != kNames.end() || is_readme(name)) return true;
  if (trim(name) == ".dockerignore" || name.ends_with(".dockerignore")) return true;
  if (path.find(".streamlit/") != std::string_view::npos && name.ends_with(".toml")) return true;
  return is_dockerfile_name(name) || is_compose_name(name) || is_shell(path) ||
         is_nginx_path(path) || (is_yaml(path) && !path.starts_with("node_modules/")) ||
         name.starts_with("next.config.") || name.starts_with("vite.config.") ||
         name.starts_with("jest.config.") || name.starts_with("vitest.config.") ||
         name.starts_with(".nycrc") || name.starts_with(".c8rc");
}

/// A rule has a question about a file with one of these words; the others are not parsed.
constexpr std::array kPythonWords = {"environ",
                                     "getenv",
                                     "config(",
                                     "env(",
                                     "sqlite",
                                     "SECRET",
                                     "PASSWORD",
                                     "password=",
                                     "TOKEN",
                                     "API_KEY",
                                     "api_key",
                                     "Flask(",
                                     "app = ",
                                     ": Flask =",
                                     "FastAPI(",
                                     "create_app",
                                     "create_all",
                                     "drop_all",
                                     "FileHandler",
                                     "LOGGING",
                                     "basicConfig",
                                     "INSTALLED_APPS",
                                     "urlpatterns",
                                     "redis",
                                     "SimpleCache",
                                     "CACHES",
                                     "app.run",
                                     "uvicorn",
                                     "/home/",
                                     "/Users/",
                                     ":\\",
                                     "C:/",
                                     "localhost",
                                     "127.0.0.1",
                                     "superuser",
                                     "health",
                                     "/status",
                                     "CORS",
                                     "Dash(",
                                     "streamlit",
                                     "subprocess",
                                     "192.168.",
                                     "secret_key",
                                     "DJANGO_SETTINGS_MODULE",
                                     "loguru",
                                     "logger.add",
                                     "pip install",
                                     "DEBUG",
                                     "ALLOWED_HOSTS",
                                     "DATABASES",
                                     "Settings)",
                                     "create_async_engine",
                                     "APIRouter(",
                                     "Blueprint(",
                                     "include_router",
                                     "cli.command",
                                     "psycopg2.connect",
                                     "accesslog",
                                     "postgresql"};
constexpr std::array kJavaScriptWords = {"process.env",
                                         "import.meta.env",
                                         "listen(",
                                         "localhost",
                                         "127.0.0.1",
                                         "assword",
                                         "ecret",
                                         "apiKey",
                                         "API_KEY",
                                         "mongoose",
                                         "sqlite",
                                         "redis",
                                         "cors(",
                                         "health",
                                         "/home/",
                                         "/Users/",
                                         "express(",
                                         "Router(",
                                         "createTransport",
                                         "winston",
                                         "bunyan",
                                         "sequelize",
                                         "192.168.",
                                         ".sync(",
                                         ":\\",
                                         "throw ",
                                         "SECRET",
                                         "PASSWORD",
                                         "_TOKEN",
                                         "TOKEN =",
                                         "createUser",
                                         "synchronize",
                                         "transports.File",
                                         "createWriteStream",
                                         "createEnv",
                                         "libsql",
                                         "env-var",
                                         "dotenv-safe",
                                         "port:",
                                         "Port:",
                                         "ConfigService",
                                         "env(",
                                         "Env("};

/// "http://203.0.113.7"
bool has_numbered_address(std::string_view text) {
  for (auto at = text.find("://"); at != std::string_view::npos; at = text.find("://", at + 3))
    if (at + 3 < text.size() && '1' <= text[at + 3] && text[at + 3] <= '9') return true;
  return false;
}

template <typename Words>
bool has_any(std::string_view text, const Words& words) {
  return std::ranges::any_of(
      words, [&](const char* word) { return text.find(word) != std::string_view::npos; });
}

/// "DB-004, SEC-003: the reason"; without a reason it counts for nothing.
std::optional<Suppression> suppression_of(std::string_view line) {
  constexpr std::string_view kWord = "ecluse: ignore ";
  const auto at = line.find(kWord);
  if (at == std::string_view::npos) return std::nullopt;
  const auto rest = line.substr(at + kWord.size());
  const auto colon = rest.find(':');
  if (colon == std::string_view::npos || trim(rest.substr(colon + 1)).empty()) return std::nullopt;
  Suppression made;
  for (const auto& rule : split(rest.substr(0, colon), ',')) made.rules.emplace_back(trim(rule));
  made.reason = printable(trim(rest.substr(colon + 1)));
  return made;
}

void add_suppressions(std::string_view path, std::string_view text, std::vector<Suppression>& out) {
  if (text.find("ecluse: ignore ") == std::string_view::npos) return;
  int number = 0;
  for (const auto line : lines_of(text)) {
    ++number;
    auto made = suppression_of(line);
    if (!made) continue;
    made->path = std::string(path);
    made->line = number;
    out.push_back(std::move(*made));
  }
}

/// Names in `CREATE TABLE "x"` of the schema, which stands in the first pages as text.
std::vector<std::string> tables_in(std::string_view bytes) {
  std::vector<std::string> tables;
  constexpr std::string_view kWords = "CREATE TABLE ";
  for (auto at = bytes.find(kWords); at != std::string_view::npos && tables.size() < 64;
       at = bytes.find(kWords, at + 1)) {
    auto rest = bytes.substr(at + kWords.size(), 80);
    if (!rest.empty() && (rest[0] == '"' || rest[0] == '`' || rest[0] == '['))
      rest.remove_prefix(1);
    const auto name = std::string(rest.substr(0, rest.find_first_of("\"`] (\n")));
    if (!name.empty() && name.find('\0') == std::string::npos &&
        std::ranges::find(tables, name) == tables.end())
      tables.push_back(printable(name, 64));
  }
  return tables;
}

}  // namespace

const FileFact* Repository::find(std::string_view path) const {
  const auto found = std::ranges::lower_bound(files, path, {}, &FileFact::path);
  return found != files.end() && found->path == path ? &*found : nullptr;
}

std::string_view Repository::text(std::string_view path) const {
  const auto found = texts.find(path);
  return found == texts.end() ? std::string_view{} : std::string_view(found->second);
}

namespace {
template <typename List>
auto find_by_path(const List& list, std::string_view path) -> decltype(&*list.begin()) {
  for (const auto& each : list)
    if (each.path == path) return &each;
  return nullptr;
}
}  // namespace

const CodeFile* Repository::find_code(std::string_view path) const {
  return find_by_path(code, path);
}
const ScriptFile* Repository::find_script(std::string_view path) const {
  return find_by_path(scripts, path);
}
const Dockerfile* Repository::find_dockerfile(std::string_view path) const {
  return find_by_path(dockerfiles, path);
}

const Manifest* Repository::package_of(std::string_view folder) const {
  const Manifest* top = nullptr;
  for (const auto& each : manifests) {
    if (each.kind != ManifestKind::kNode) continue;
    if (folder_of(each.path) == folder) return &each;
    if (folder_of(each.path).empty()) top = &each;
  }
  return top;
}

const Dependency* Repository::find_dependency(std::string_view name) const {
  for (const auto& manifest : manifests)
    if (const auto* found = manifest.find(name)) return found;
  return nullptr;
}

bool Repository::reads_variable(std::string_view name) const {
  return std::ranges::any_of(code, [&](const CodeFile& file) {
    return std::ranges::find(file.reads, name, &EnvRead::name) != file.reads.end();
  });
}

namespace {
/// What the .gitignore files say of one path, the nearest and last one.
bool names_path(const std::vector<std::pair<std::string, IgnoreRules>>& ignores,
                std::string_view path, bool folder) {
  bool ignored = false;
  for (const auto& [file, rules] : ignores) {
    if (file_name(file) != ".gitignore") continue;
    const auto answer = rules.ask(path, folder);
    if (answer == IgnoreRules::Answer::kIgnored) ignored = true;
    if (answer == IgnoreRules::Answer::kKept) ignored = false;
  }
  return ignored;
}
}  // namespace

bool Repository::is_ignored(std::string_view path, bool folder) const {
  for (auto above = folder_of(path); !above.empty(); above = folder_of(above))
    if (names_path(ignores, above, true)) return true;
  return names_path(ignores, path, folder);
}

Wish Collector::wish(std::string_view path, std::uint64_t bytes) {
  const auto name = file_name(path);
  if (is_database_name(path)) return Wish::kHead;
  if (bytes > kFileBytesRead) return Wish::kNothing;
  const bool wanted = is_python(path) || is_javascript(path) || is_kept(path) ||
                      is_manifest_path(path) || is_env_name(name);
  return wanted ? Wish::kAll : Wish::kNothing;
}

void Collector::file(const FileFact& fact) {
  made_.files.push_back(fact);
  for (auto folder = folder_of(fact.path); !folder.empty(); folder = folder_of(folder))
    if (!made_.folders.emplace(folder).second) break;
  const bool source = is_python(fact.path) || is_javascript(fact.path) || is_kept(fact.path);
  if (source && fact.bytes > kFileBytesRead)
    obstacle(fact.path, "larger than what is read of a source file");
}

void Collector::vendored(VendoredFolder folder) {
  made_.vendored.push_back(std::move(folder));
}

void Collector::obstacle(std::string path, std::string what) {
  made_.obstacles.push_back({std::move(path), std::move(what)});
}

bool Collector::is_source(std::string_view path) {
  return (is_python(path) || is_javascript(path)) && !is_kept(path);
}

Prepared Collector::prepare(std::string_view path, std::string_view bytes) {
  Prepared made;
  made.text = decode(bytes);
  if (made.text.encoding == Encoding::kBinary) return made;
  const auto& text = made.text.text;
  add_suppressions(path, text, made.suppressions);
  const bool python = is_python(path);
  if (python) made.imports = python_imports(text);
  const bool command = python && file_name(folder_of(path)) == "commands";
  const bool asked = (python ? has_any(text, kPythonWords) : has_any(text, kJavaScriptWords)) ||
                     command || has_numbered_address(text);
  if (asked) made.code = python ? read_python(path, text) : read_javascript(path, text);
  made.text.text.clear();
  return made;
}

void Collector::content(const FileFact& fact, Prepared prepared) {
  if (prepared.text.encoding == Encoding::kBinary)
    return obstacle(fact.path, "not text, though its name says so");
  std::ranges::move(prepared.suppressions, std::back_inserter(made_.suppressions));
  if (is_python(fact.path)) made_.imports.push_back({fact.path, std::move(prepared.imports)});
  if (!prepared.code) return;
  if (made_.code.size() >= kCodeFilesMax)
    return obstacle(fact.path, "one source file more than are looked into");
  if (prepared.code->truncated) obstacle(fact.path, "too deep or too large to be read wholly");
  made_.code.push_back(std::move(*prepared.code));
}

void Collector::content(const FileFact& fact, std::string_view bytes) {
  if (bytes.starts_with(kSqliteMagic)) {
    made_.databases.push_back({fact.path, fact.bytes, tables_in(bytes)});
    return;
  }
  if (is_database_name(fact.path)) return;
  if (is_python(fact.path) || is_javascript(fact.path)) {
    auto prepared = prepare(fact.path, bytes);
    const bool binary = prepared.text.encoding == Encoding::kBinary;
    content(fact, std::move(prepared));
    if (binary || !is_kept(fact.path)) return;
  }
  const auto file = decode(bytes);
  if (file.encoding == Encoding::kBinary) {
    obstacle(fact.path, "not text, though its name says so");
    return;
  }
  text_content(fact, file);
}

void Collector::keep_text(const FileFact& fact, const TextFile& file) {
  const bool fits =
      file.text.size() <= kTextBytesKept && kept_bytes_ + file.text.size() <= kTextsBytesMax;
  if (!fits) {
    obstacle(fact.path, "larger than what is kept of a text");
    return;
  }
  kept_bytes_ += file.text.size();
  made_.texts[fact.path] = file.text;
}

void Collector::text_content(const FileFact& fact, const TextFile& file) {
  const auto name = file_name(fact.path);
  // Secrets in what was set aside are secrets all the same; how it runs is nobody's question.
  const bool source = is_python(fact.path) || is_javascript(fact.path) || is_env_name(name);
  if (!is_python(fact.path) && !is_javascript(fact.path))
    add_suppressions(fact.path, file.text, made_.suppressions);
  if (is_set_aside(fact.path) && !source) return;
  // Images and services that a manual shows: nobody runs them.
  if (is_manual_path(fact.path) && (is_dockerfile_name(name) || is_compose_name(name))) return;
  if (is_kept(fact.path)) keep_text(fact, file);
  if (is_manifest_path(fact.path)) made_.manifests.push_back(read_manifest(fact.path, file));
  if (is_dockerfile_name(name)) {
    made_.dockerfiles.push_back(read_dockerfile(fact.path, file.text));
  } else if (is_yaml(fact.path)) {
    yaml_content(fact, file);
  } else if (is_shell(fact.path)) {
    made_.scripts.push_back({fact.path, file.text, read_shell(file.text)});
  } else if (is_nginx_path(fact.path)) {
    made_.nginxes.push_back(read_nginx(fact.path, file.text));
  } else if (is_env_name(name)) {
    made_.env_files.push_back(read_env_file(fact.path, file.text));
  } else if (name == ".gitignore" || trim(name) == ".dockerignore" ||
             name.ends_with(".dockerignore")) {
    made_.ignores.emplace_back(fact.path,
                               IgnoreRules(std::string(folder_of(fact.path)), file.text));
  }
}

namespace {
/// "production.yml" with services in it: a compose file by what it says.
bool lists_services(std::string_view name, std::string_view text) {
  constexpr std::array<std::string_view, 6> kNames = {
      "production.yml", "production.yaml", "prod.yml", "staging.yml", "stack.yml", "swarm.yml"};
  return std::ranges::find(kNames, name) != kNames.end() &&
         (text.starts_with("services:") || text.find("\nservices:") != std::string_view::npos);
}

/// GitLab reads the file at the top; those in folders are parts of it, or the only one of a project
/// that lies in a folder.
void keep_own_pipeline(Repository& made) {
  constexpr std::string_view kName = ".gitlab-ci.yml";
  if (std::ranges::find(made.workflows, kName, &Workflow::path) == made.workflows.end()) return;
  std::erase_if(made.workflows, [&](const Workflow& each) {
    return each.path != kName && file_name(each.path) == kName;
  });
}
}  // namespace

void Collector::yaml_content(const FileFact& fact, const TextFile& file) {
  const bool workflow = is_workflow_path(fact.path);
  const bool compose = !workflow && (is_compose_name(file_name(fact.path)) ||
                                     lists_services(file_name(fact.path), file.text));
  if (!compose && !workflow) return;
  const auto yaml = read_yaml(file.text);
  if (!yaml.problem.empty()) obstacle(fact.path, "cannot be read as YAML: " + yaml.problem);
  if (yaml.documents.empty()) return;
  if (compose)
    made_.composes.push_back(read_compose(fact.path, yaml.documents.front()));
  else
    std::ranges::move(read_workflows(fact.path, yaml.documents.front()),
                      std::back_inserter(made_.workflows));
}

Repository Collector::finish() {
  keep_own_pipeline(made_);
  std::ranges::sort(made_.files, {}, &FileFact::path);
  follow_readers(made_.code);
  follow_settings(made_.code);
  follow_examples(made_.code, made_.env_files);
  std::ranges::sort(made_.code, {}, &CodeFile::path);
  std::ranges::sort(made_.manifests, {}, &Manifest::path);
  std::ranges::sort(made_.dockerfiles, {}, &Dockerfile::path);
  std::ranges::sort(made_.composes, {}, &Compose::path);
  choose_served_stages(made_);
  return std::move(made_);
}

bool is_readme(std::string_view file_name) {
  constexpr std::size_t kLength = 9;
  if (file_name.size() != kLength && file_name.size() != kLength + 1) return false;
  const auto lower = to_lower(file_name);
  return lower == "readme.md" || lower == "readme.rst";
}

bool is_vendored_folder(std::string_view name) {
  return !vendored_kind(name).empty();
}

std::string vendored_kind(std::string_view name) {
  if (name == "node_modules" || name == "bower_components") return "node_modules";
  for (const auto* each : {"venv", ".venv", "env", ".env", "virtualenv", "site-packages"})
    if (name == each) return "virtual environment";
  return {};
}

}  // namespace ecluse::preflight
