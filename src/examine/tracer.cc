#include "examine/tracer.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "base/text.h"
#include "os/file.h"

namespace ecluse::examine {

namespace {
constexpr std::size_t kTraceBytesMax = 1 << 20;
constexpr std::string_view kMark = "ecluse-examination ";

// Python imports it by its name before the app. A distribution's own module of that name is hidden
// by it for as long as the examination lasts.
constexpr std::string_view kPython = R"py(
import os as _os
_fd = _os.open(_os.path.join(_os.path.dirname(_os.path.abspath(__file__)), "read.txt"),
               _os.O_WRONLY | _os.O_CREAT | _os.O_APPEND | _os.O_CLOEXEC, 0o644)
_os.write(_fd, b"\n")
_seen = set()
_environ = type(_os.environ)
_get, _iterate = _environ.__getitem__, _environ.__iter__


def _note(name):
    if isinstance(name, str) and name not in _seen:
        _seen.add(name)
        try:
            _os.write(_fd, name.encode("utf-8", "replace") + b"\n")
        except OSError:
            pass


def _noting_get(self, name):
    _note(name)
    return _get(self, name)


def _noting_iterate(self):
    import sys
    # A copy for a child process reads no setting.
    if sys._getframe(1).f_globals.get("__name__") not in ("subprocess", "os", "multiprocessing"):
        _note("*")
    return _iterate(self)


_environ.__getitem__, _environ.__iter__ = _noting_get, _noting_iterate
)py";

constexpr std::string_view kNode = R"js(
const fs = require('fs');
const file = require('path').join(__dirname, 'read.txt');
const seen = new Set();
const note = (name) => {
  if (typeof name !== 'string' || seen.has(name)) return;
  seen.add(name);
  try { fs.appendFileSync(file, name + '\n'); } catch (error) { /* the folder may be gone */ }
};
try { fs.appendFileSync(file, '\n'); } catch (error) { /* the folder may be gone */ }
const environment = process.env;
process.env = new Proxy(environment, {
  get(target, name) { note(name); return target[name]; },
  has(target, name) { note(name); return name in target; },
  ownKeys(target) { note('*'); return Reflect.ownKeys(target); },
});

// A client of Prisma says which engine it was generated for, and by what address it goes there.
const databaseName = (address) => {
  if (address.startsWith('file:')) return address.slice('file:'.length);
  try { return new URL(address).pathname.slice(1); } catch (error) { return ''; }
};
const firstOf = (map) => Object.values(map || {})[0] || {};
const databaseOf = (client, options) => {
  const config = client._engineConfig || {};
  const inline = firstOf(config.inlineDatasources).url || {};
  const given = (options.adapter || {}).config || {};
  const address = given.connectionString || given.url || options.datasourceUrl || firstOf(options.datasources).url || inline.value ||
      environment[inline.fromEnvVar || 'DATABASE_URL'] || '';
  const engine = client._activeProvider || config.activeProvider || (options.adapter || {}).provider;
  return {alias: '', engine: String(engine || ''), name: databaseName(String(address))};
};
const watched = new WeakSet();  // several modules export one class
const watch = (exported) => {
  const Client = exported && typeof exported === 'object' ? exported.PrismaClient : undefined;
  if (typeof Client !== 'function' || watched.has(Client)) return;
  const Watched = new Proxy(Client, {construct(target, words, made) {
    const client = Reflect.construct(target, words, made === Watched ? target : made);
    try {
      const answer = {by: 'Prisma', databases: [databaseOf(client, words[0] || {})]};
      fs.appendFileSync(databases, 'ecluse-examination ' + JSON.stringify(answer) + '\n');
    } catch (error) { /* a client of another make: nothing is said of it */ }
    return client;
  }});
  watched.add(Watched);
  try { exported.PrismaClient = Watched; } catch (error) { /* exported for reading alone */ }
};
const databases = require('path').join(__dirname, 'databases.txt');
const Module = require('module');
const load = Module._load;
Module._load = function (...words) {
  const exported = load.apply(this, words);
  watch(exported);
  return exported;
};
)js";

// Imports what the start command names, which chooses the settings as the server would.
constexpr std::string_view kAsk = R"py(
import gc, importlib, json, os, re, sys

sys.path.insert(0, os.getcwd())
command = os.environ.get("ECLUSE_EXAMINED_COMMAND", "")


def say(by, databases):
    print("ecluse-examination " + json.dumps({"by": by, "databases": databases}), flush=True)


def imported():
    for word in re.findall(r"[A-Za-z_][\w.]*(?::[\w.()]+)?", command):
        name = word.split(":")[0]
        path = name.replace(".", "/")
        if name and (os.path.exists(path + ".py") or os.path.exists(path + "/__init__.py")):
            yield importlib.import_module(name), word.partition(":")[2]


def django_settings_of_manage():
    try:
        text = open("manage.py", encoding="utf-8").read()
    except OSError:
        return
    found = re.search(r"DJANGO_SETTINGS_MODULE['\"]\s*,\s*['\"]([\w.]+)", text)
    if found:
        os.environ.setdefault("DJANGO_SETTINGS_MODULE", found.group(1))


modules = list(imported())
if "DJANGO_SETTINGS_MODULE" not in os.environ:
    django_settings_of_manage()
if "DJANGO_SETTINGS_MODULE" in os.environ:
    from django.conf import settings
    say("Django", [{"alias": alias, "engine": str(each.get("ENGINE", "")), "name": str(each.get("NAME", ""))}
                   for alias, each in settings.DATABASES.items() if each.get("ENGINE")])
elif "sqlalchemy" in sys.modules:
    from sqlalchemy.engine import Engine
    for module, attribute in modules:
        made = getattr(module, attribute.split("(")[0] or "app", None)
        app = made() if attribute.endswith("()") and callable(made) else made
        extension = getattr(app, "extensions", {}).get("sqlalchemy")
        if extension is not None and hasattr(extension, "engine"):
            with app.app_context():
                extension.engine
    seen = []
    for one in gc.get_objects():
        if isinstance(one, Engine):
            each = {"alias": "", "engine": one.url.drivername, "name": str(one.url.database or "")}
            if each not in seen:
                seen.append(each)
    say("SQLAlchemy", seen)
)py";
}  // namespace

Result<void> write_scripts(const std::filesystem::path& folder) {
  ECLUSE_TRY(os::replace_file(folder / "sitecustomize.py", kPython, 0644));
  ECLUSE_TRY(os::replace_file(folder / "trace.js", kNode, 0644));
  return os::replace_file(folder / "ask.py", kAsk, 0644);
}

void add_tracing(std::map<std::string, std::string>& environment, const std::string& inside) {
  auto& path = environment["PYTHONPATH"];
  path = path.empty() ? inside : inside + ":" + path;
  auto& options = environment["NODE_OPTIONS"];
  options = "--require " + inside + "/trace.js" + (options.empty() ? "" : " " + options);
}

std::set<std::string> variables_read(const std::filesystem::path& folder) {
  const auto text = os::read_file(folder / "read.txt", kTraceBytesMax);
  std::set<std::string> names;
  if (!text) return names;  // neither Python nor Node ran
  for (auto& line : split(*text, '\n')) names.insert(std::move(line));
  return names;
}

void take_answers_given(const std::filesystem::path& folder, preflight::Observations& seen) {
  const auto text = os::read_file(folder / "databases.txt", kTraceBytesMax);
  if (!text) return;  // no client was made
  for (const auto& line : split(*text, '\n')) take_answer(line, seen);
}

std::string asking_command(const std::string& inside) {
  return "exec python -B " + inside + "/ask.py";
}

void take_answer(std::string_view line, preflight::Observations& seen) {
  if (!line.starts_with(kMark)) return;
  const auto answer = nlohmann::json::parse(line.substr(kMark.size()), nullptr, false);
  if (!answer.is_object() || !answer.contains("databases")) return;
  seen.asked_by = answer.value("by", "");
  for (const auto& each : answer["databases"]) {
    if (!each.is_object()) continue;
    const preflight::SeenDatabase database{each.value("alias", ""), each.value("engine", ""),
                                           each.value("name", "")};
    if (std::ranges::find(seen.databases, database) == seen.databases.end())
      seen.databases.push_back(database);
  }
}

}  // namespace ecluse::examine
