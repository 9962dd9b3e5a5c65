// DEP-001..005: what is declared.

#include <algorithm>
#include <array>
#include <charconv>
#include <map>
#include <set>

#include "base/text.h"
#include "preflight/rules/development_server.h"
#include "preflight/rules/rule.h"

namespace ecluse::preflight {

namespace {

// Modules whose package has another name, as their own documentation says.
struct Alias {
  std::string_view module;
  std::string_view package;
};
constexpr std::array kAliases = {Alias{"PIL", "pillow"},
                                 Alias{"cv2", "opencv-python"},
                                 Alias{"yaml", "pyyaml"},
                                 Alias{"sklearn", "scikit-learn"},
                                 Alias{"bs4", "beautifulsoup4"},
                                 Alias{"dotenv", "python-dotenv"},
                                 Alias{"decouple", "python-decouple"},
                                 Alias{"environ", "django-environ"},
                                 Alias{"jwt", "pyjwt"},
                                 Alias{"psycopg2", "psycopg2-binary"},
                                 Alias{"MySQLdb", "mysqlclient"},
                                 Alias{"rest_framework", "djangorestframework"},
                                 Alias{"corsheaders", "django-cors-headers"},
                                 Alias{"sentry_sdk", "sentry-sdk"},
                                 Alias{"dateutil", "python-dateutil"},
                                 Alias{"flask_sqlalchemy", "flask-sqlalchemy"},
                                 Alias{"jose", "python-jose"},
                                 Alias{"magic", "python-magic"},
                                 Alias{"serial", "pyserial"},
                                 Alias{"git", "gitpython"},
                                 Alias{"telegram", "python-telegram-bot"},
                                 Alias{"skimage", "scikit-image"},
                                 Alias{"Crypto", "pycryptodome"},
                                 Alias{"OpenSSL", "pyopenssl"},
                                 Alias{"attr", "attrs"},
                                 Alias{"markdown", "markdown"},
                                 Alias{"docx", "python-docx"},
                                 Alias{"pptx", "python-pptx"},
                                 Alias{"fitz", "pymupdf"},
                                 Alias{"debug_toolbar", "django-debug-toolbar"},
                                 Alias{"dj_database_url", "dj-database-url"},
                                 Alias{"google", "google"},
                                 Alias{"mpl_toolkits", "matplotlib"},
                                 Alias{"storages", "django-storages"},
                                 Alias{"django_filters", "django-filter"},
                                 Alias{"multipart", "python-multipart"},
                                 Alias{"crispy_forms", "django-crispy-forms"},
                                 Alias{"pkg_resources", "setuptools"},
                                 Alias{"zmq", "pyzmq"},
                                 Alias{"ruamel", "ruamel-yaml"},
                                 Alias{"socketio", "python-socketio"},
                                 Alias{"engineio", "python-engineio"},
                                 Alias{"flask_socketio", "flask-socketio"},
                                 Alias{"community", "python-louvain"},
                                 Alias{"slugify", "python-slugify"},
                                 Alias{"bson", "pymongo"},
                                 Alias{"gridfs", "pymongo"},
                                 Alias{"nacl", "pynacl"},
                                 Alias{"ldap", "python-ldap"},
                                 Alias{"imblearn", "imbalanced-learn"},
                                 Alias{"umap", "umap-learn"},
                                 Alias{"win32com", "pywin32"},
                                 Alias{"usb", "pyusb"},
                                 Alias{"wx", "wxpython"},
                                 Alias{"grpc", "grpcio"},
                                 Alias{"pylab", "matplotlib"},
                                 Alias{"googleapiclient", "google-api-python-client"},
                                 Alias{"rest_framework_extensions", "drf-extensions"},
                                 Alias{"rest_framework_nested", "drf-nested-routers"},
                                 Alias{"rest_framework_swagger", "django-rest-swagger"},
                                 Alias{"rest_framework_jwt", "djangorestframework-jwt"},
                                 Alias{"rest_framework_csv", "djangorestframework-csv"},
                                 Alias{"rest_framework_xml", "djangorestframework-xml"},
                                 Alias{"rest_framework_yaml", "djangorestframework-yaml"},
                                 Alias{"rest_framework_gis", "djangorestframework-gis"},
                                 Alias{"rest_framework_api_key", "djangorestframework-api-key"},
                                 Alias{"rest_framework_recursive", "djangorestframework-recursive"},
                                 Alias{"oauth2_provider", "django-oauth-toolkit"},
                                 Alias{"social_django", "social-auth-app-django"},
                                 Alias{"rest_framework_simplejwt", "djangorestframework-simplejwt"},
                                 Alias{"Levenshtein", "levenshtein"},
                                 Alias{"azure", "azure"}};

// The standard library's modules (Python 3.12, docs.python.org/3/py-modindex.html).
constexpr std::string_view kStandard =
    " __future__ __main__ _thread abc aifc argparse array ast asynchat asyncio asyncore atexit "
    "audioop base64 bdb binascii "
    "bisect builtins bz2 calendar cgi cgitb chunk cmath cmd code codecs codeop collections "
    "colorsys "
    "compileall concurrent configparser contextlib contextvars copy copyreg cProfile crypt csv "
    "ctypes "
    "curses dataclasses datetime dbm decimal difflib dis distutils doctest email encodings "
    "ensurepip enum "
    "errno faulthandler fcntl filecmp fileinput fnmatch fractions ftplib functools gc getopt "
    "getpass "
    "gettext glob graphlib grp gzip hashlib heapq hmac html http imaplib imghdr imp importlib "
    "inspect io "
    "ipaddress itertools json keyword lib2to3 linecache locale logging lzma mailbox mailcap "
    "marshal math "
    "mimetypes mmap modulefinder msilib msvcrt multiprocessing netrc nntplib numbers operator "
    "optparse os "
    "ossaudiodev pathlib pdb pickle pickletools pipes pkgutil platform plistlib poplib posix "
    "pprint "
    "profile pstats pty pwd py_compile pyclbr pydoc queue quopri random re readline reprlib "
    "resource "
    "rlcompleter runpy sched secrets select selectors shelve shlex shutil signal site smtpd "
    "smtplib "
    "sndhdr socket socketserver spwd sqlite3 ssl stat statistics string stringprep struct "
    "subprocess "
    "sunau symtable sys sysconfig syslog tabnanny tarfile telnetlib tempfile termios test textwrap "
    "threading time timeit tkinter token tokenize tomllib trace traceback tracemalloc tty turtle "
    "types "
    "typing unicodedata unittest urllib uu uuid venv warnings wave weakref webbrowser winreg "
    "winsound "
    "wsgiref xdrlib xml xmlrpc zipapp zipfile zipimport zlib zoneinfo ";

bool is_standard(std::string_view module) {
  return kStandard.find(" " + std::string(module) + " ") != std::string_view::npos ||
         module.starts_with('_');
}

std::set<std::string> own_modules(const Repository& repository) {
  std::set<std::string> own;
  for (const auto& file : repository.files) {
    const auto name = file_name(file.path);
    const bool module = name.ends_with(".py") || name.ends_with(".pyx") || name.ends_with(".ipynb");
    if (!module) continue;
    own.emplace(name.substr(0, name.rfind('.')));
    for (auto folder = folder_of(file.path); !folder.empty(); folder = folder_of(folder))
      own.emplace(file_name(folder));
  }
  return own;
}

/// Everything is installed from requirements files: somebody says so, and nobody installs the
/// project itself, whose pyproject.toml or setup.py may name more.
bool only_requirements(const Repository& repository) {
  bool listed = false;
  for (const auto& [path, text] : repository.texts) {
    if (path.ends_with(".md") || path.ends_with(".rst") || is_manifest_path(path)) continue;
    listed |= text.find("-r requirements") != std::string::npos;
    if (any_of_words(text, {"pip install .", "pip install -e", "uv sync", "uv pip install .",
                            "poetry install", "pipenv install", "pdm install"}))
      return false;
  }
  for (const auto* lock : {"poetry.lock", "uv.lock", "Pipfile.lock", "pdm.lock"})
    if (repository.find(lock)) return false;
  return listed && repository.find("requirements.txt");
}

std::set<std::string> declared_packages(const Repository& repository) {
  const bool requirements = only_requirements(repository);
  std::set<std::string> declared;
  for (const auto& manifest : repository.manifests) {
    if (manifest.kind == ManifestKind::kNode) continue;
    if (requirements && manifest.kind != ManifestKind::kRequirements) continue;
    for (const auto& each : manifest.dependencies) declared.insert(each.name);
  }
  return declared;
}

std::string without_dashes(std::string text) {
  std::erase(text, '-');
  return text;
}

/// "psycopg2-binary" provides psycopg2, "opencv-python-headless" cv2, "uvicorn[standard]" itself.
bool is_declared(const std::set<std::string>& declared, std::string_view module) {
  auto package = normal_name(module);
  if (declared.contains(package) || declared.contains("python-" + package) ||
      declared.contains("django-" + package))
    return true;
  for (const auto& alias : kAliases) {
    if (alias.module != module) continue;
    if (std::ranges::any_of(
            declared, [&](const std::string& each) { return each.starts_with(alias.package); }))
      return true;
  }
  // "SpeechRecognition" provides speech_recognition, "django-notifications-hq" notifications.
  const auto joined = without_dashes(package);
  constexpr std::size_t kWordBytesMin = 5;  // shorter words stand in other packages' names, too
  return std::ranges::any_of(declared, [&](const std::string& each) {
    return each == package + "-binary" || each == "py" + package ||
           each.starts_with(package + "-headless") ||
           (each.starts_with(package) && each.size() == package.size() + 1) ||
           without_dashes(each) == joined ||
           (joined.size() >= kWordBytesMin &&
            ("-" + each + "-").find("-" + package + "-") != std::string::npos);
  });
}

// Packages that always bring a module with them.
bool comes_with(const std::set<std::string>& declared, std::string_view module) {
  static const std::multimap<std::string_view, std::string_view> kBrought = {
      {"werkzeug", "flask"},
      {"jinja2", "flask"},
      {"markupsafe", "flask"},
      {"itsdangerous", "flask"},
      {"click", "flask"},
      {"click", "uvicorn"},
      {"starlette", "fastapi"},
      {"pydantic", "fastapi"},
      {"sqlalchemy", "flask-sqlalchemy"},
      {"PIL", "streamlit"},
      {"PIL", "matplotlib"},
      {"PIL", "scikit-image"},
      {"numpy", "pandas"},
      {"numpy", "scikit-learn"},
      {"numpy", "scipy"},
      {"numpy", "matplotlib"},
      {"pytz", "pandas"},
      {"numpy", "streamlit"},
      {"pandas", "streamlit"},
      {"joblib", "scikit-learn"},
      {"scipy", "scikit-learn"},
      {"requests", "streamlit"},
      {"altair", "streamlit"},
      {"urllib3", "requests"},
      {"certifi", "requests"},
      {"asgiref", "django"},
      {"sqlparse", "django"},
      {"flask", "dash"},
      {"plotly", "dash"},
      {"alembic", "flask-migrate"},
      {"anyio", "fastapi"},
      {"docutils", "sphinx"},
      {"typing_extensions", "pydantic"},
      {"typing_extensions", "fastapi"},
      {"flask", "flask-sqlalchemy"},
      {"sqlalchemy", "sqlmodel"},
      {"pydantic", "sqlmodel"},
      {"pip", "pip"},
      {"setuptools", "pip"},
      {"packaging", "pytest"},
      {"pluggy", "pytest"},
      {"_pytest", "pytest"},
      {"coverage", "pytest-cov"},
      {"botocore", "boto3"},
      {"kombu", "celery"},
      {"billiard", "celery"},
      {"numpy", "opencv-python"},
      {"numpy", "opencv-python-headless"},
      {"numpy", "tensorflow"},
      {"keras", "tensorflow"},
      {"numpy", "torch"},
      {"numpy", "transformers"},
      {"wtforms", "flask-wtf"},
      {"sqlalchemy", "flask-migrate"},
      {"sqlalchemy", "alembic"},
      {"flask_sqlalchemy", "flask-migrate"},
      {"dateutil", "pandas"},
      {"tornado", "streamlit"},
      {"pyarrow", "streamlit"},
      {"httpx", "openai"},
      {"pydantic", "openai"},
      {"requests", "yfinance"},
      {"pandas", "yfinance"},
      {"numpy", "yfinance"},
      {"pandas", "seaborn"},
      {"matplotlib", "seaborn"},
      {"numpy", "seaborn"},
      {"numpy", "xgboost"},
      {"scipy", "statsmodels"},
      {"pandas", "statsmodels"},
      {"redis", "django-redis"},
      {"langchain_core", "langchain"},
      {"langchain_core", "langchain-openai"},
      {"langchain_core", "langchain-community"},
      {"langchain_text_splitters", "langchain"},
      {"channels", "channels-redis"},
      {"marshmallow", "environs"},
      {"marshmallow", "flask-marshmallow"},
      {"dotenv", "environs"},
      {"redis", "flask-redis"},
      {"redis", "rq"},
      {"jwt", "flask-jwt-extended"},
      {"jwt", "djangorestframework-simplejwt"}};
  if (module == "pip" || module == "setuptools" || module == "wheel" || module == "pkg_resources")
    return true;
  const auto [begin, end] = kBrought.equal_range(module);
  return std::any_of(begin, end,
                     [&](const auto& each) { return declared.contains(std::string(each.second)); });
}

/// `import trend_clean` beside trend.ipynb: a module of one's own that lies elsewhere, or is made.
bool is_own(const std::set<std::string>& own, const std::string& module) {
  if (own.contains(module)) return true;
  constexpr std::size_t kStemBytesMin = 6;  // shorter ones are shared by chance
  const auto after = own.upper_bound(module);
  if (after == own.begin()) return false;
  const auto& before = *std::prev(after);
  return before.size() >= kStemBytesMin && module.starts_with(before + "_");
}

Findings undeclared(const Subject& subject) {
  const auto declared = declared_packages(subject.repository);
  if (declared.empty()) return {};
  const auto own = own_modules(subject.repository);
  std::set<std::string> said;
  Findings found;
  for (const auto& module : subject.repository.imports) {
    if (is_test_path(module.path) ||
        any_of_words(module.path, {"docs/", "notebooks/", "scripts/", "examples/", "scratch/"}) ||
        is_development_path(module.path))
      continue;
    for (const auto& each : module.imports) {
      const auto top = each.module.substr(0, each.module.find('.'));
      if (top.empty() || each.guarded || is_standard(top) || is_own(own, top)) continue;
      if (is_declared(declared, top) || comes_with(declared, top) || !said.insert(top).second)
        continue;
      found.push_back(at(module.path, each.place, "import " + top + ": no manifest declares it"));
    }
  }
  return found;
}

/// A part of a version; kPartMax when it is larger than any framework's.
int part_of(std::string_view text) {
  constexpr int kPartMax = 9999;
  int part = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), part);
  return error == std::errc::result_out_of_range ? kPartMax : std::min(part, kPartMax);
}

/// A version as major * 100 + minor.
int number_of(std::string_view text) {
  const auto dot = text.find('.');
  const int minor = dot == std::string_view::npos ? 0 : part_of(text.substr(dot + 1));
  return part_of(text) * 100 + minor;
}

/// The versions that a manifest's text allows: "==4.2.1", "^5.0", "~=4.2.0", ">=2.2,<3".
struct Allowed {
  int from = 0;
  int to = 0;  ///< the newest one; 0: nothing is said
};
Allowed allowed(std::string_view version) {
  const auto digit = version.find_first_of("0123456789");
  if (digit == std::string_view::npos || version.find("||") != std::string_view::npos) return {};
  const auto rest = version.substr(digit);
  const auto text = rest.substr(0, rest.find_first_not_of("0123456789.*x"));
  const int from = number_of(text);
  const int majors_end = from / 100 * 100 + 99;
  const auto below = version.find('<');
  if (below != std::string_view::npos && below > digit) {
    const auto end = version.substr(below + 1);
    return {from, end.starts_with('=') ? number_of(end.substr(1)) : number_of(end) - 1};
  }
  if (version.starts_with("==") || digit == 0) return {from, from};
  if (version.starts_with('^')) return {from, majors_end};
  const bool patch = std::ranges::count(text, '.') >= 2;
  if (version.starts_with("~=")) return {from, patch ? from : majors_end};
  if (version.starts_with('~')) return {from, text.find('.') == text.npos ? majors_end : from};
  return {};
}

struct FrameworkEnd {
  std::string_view package;
  int below;  ///< versions under this one
  std::string_view day;
};
constexpr std::array kFrameworkEnds = {
    FrameworkEnd{"django", 300, "2022-04-11"}, FrameworkEnd{"django", 301, "2021-04-06"},
    FrameworkEnd{"django", 302, "2021-12-07"}, FrameworkEnd{"django", 303, "2024-04-01"},
    FrameworkEnd{"django", 401, "2023-04-01"}, FrameworkEnd{"django", 402, "2023-12-01"},
    FrameworkEnd{"django", 403, "2026-04-07"}, FrameworkEnd{"django", 501, "2025-04-02"},
    FrameworkEnd{"django", 502, "2025-12-03"}, FrameworkEnd{"flask", 200, "2021-05-11"},
    FrameworkEnd{"flask", 300, "2023-09-30"},  FrameworkEnd{"next", 1300, "2022-11-21"},
    FrameworkEnd{"next", 1400, "2024-12-21"},  FrameworkEnd{"next", 1500, "2025-10-26"},
    FrameworkEnd{"next", 1600, "2026-10-21"},  FrameworkEnd{"express", 400, "2015-07-05"},
};

/// The end of the oldest version that is allowed, when every one of them has ended.
const FrameworkEnd* end_of(const Dependency& dependency, std::string_view today) {
  const auto versions = allowed(dependency.version);
  const FrameworkEnd* oldest = nullptr;
  bool over = false;
  for (const auto& end : kFrameworkEnds) {
    if (dependency.name != end.package || end.day >= today) continue;
    if (!oldest && versions.from < end.below) oldest = &end;
    over |= versions.to < end.below;
  }
  return versions.to != 0 && over ? oldest : nullptr;
}

Findings old_framework(const Subject& subject) {
  Findings found;
  for (const auto& manifest : subject.repository.manifests) {
    if (is_development_path(manifest.path) || manifest.path.starts_with("docs/")) continue;
    for (const auto& each : manifest.dependencies)
      if (const auto* end = end_of(each, subject.today))
        found.push_back(
            at(manifest.path, each.place,
               each.name + each.version + ": no security updates since " + std::string(end->day)));
  }
  return found;
}

bool declares_server(const Manifest& manifest) {
  return std::ranges::any_of(
      std::array{"gunicorn", "uvicorn", "waitress", "uwsgi", "hypercorn", "daphne", "granian",
                 "mod-wsgi", "cheroot", "gevent", "eventlet"},
      [&](const char* server) { return manifest.find(server) != nullptr; });
}

/// Installed only in a Dockerfile: it runs there, so it is no finding.
bool installs_server(const Subject& subject) {
  for (const auto& file : subject.repository.dockerfiles)
    for (const auto& stage : file.stages)
      for (const auto& each : stage.instructions)
        if (each.name == "RUN" &&
            any_of_words(each.text, {"gunicorn", "uvicorn", "waitress", "uwsgi"}))
          return true;
  return false;
}

bool has_server(const Subject& subject) {
  return std::ranges::any_of(subject.repository.manifests, declares_server) ||
         installs_server(subject);
}

/// In the folder, above it, or in `requirements/` of one of these.
bool is_manifest_for(const Manifest& manifest, std::string_view folder) {
  auto of = folder_of(manifest.path);
  if (file_name(of) == "requirements") of = folder_of(of);
  return of.empty() || folder == of || folder.starts_with(std::string(of) + "/");
}

/// The manifest that declares `framework`: what pip reads says more than what Pipenv would.
const Manifest* manifest_of(const Repository& repository, std::string_view framework) {
  const Manifest* best = nullptr;
  for (const auto& manifest : repository.manifests)
    if (manifest.find(framework) && (!best || manifest.kind == ManifestKind::kRequirements))
      best = &manifest;
  return best;
}

/// Where the server is missing: beside the framework, else in the file that makes the app.
Finding without_server(const Subject& subject, std::string_view framework, std::string_view path,
                       Place place) {
  const std::string evidence = "neither gunicorn nor uvicorn is declared";
  if (const auto* manifest = manifest_of(subject.repository, framework))
    return at(manifest->path, manifest->find(framework)->place, evidence);
  return at(path, place, evidence);
}

std::string_view package_of(Framework framework) {
  return framework == Framework::kFlask ? "flask" : "fastapi";
}

/// A service of several that has a manifest of its own with the framework, and no server there nor
/// above.
const Manifest* own_without_server(const Subject& subject, const Application& app) {
  const auto folder = folder_of(app.path);
  const Manifest* own = nullptr;
  for (const auto& manifest : subject.repository.manifests) {
    if (manifest.kind == ManifestKind::kNode || !is_manifest_for(manifest, folder)) continue;
    if (declares_server(manifest)) return nullptr;
    if (manifest.find(package_of(app.framework)) && !folder_of(manifest.path).empty())
      own = &manifest;
  }
  return own;
}

void services_without_server(const Subject& subject, Findings& found) {
  if (installs_server(subject)) return;
  for (const auto& each : subject.stack.applications) {
    const bool asked = each.framework == Framework::kFlask || each.framework == Framework::kFastapi;
    if (!asked || is_manual_path(each.path)) continue;
    const auto* own = own_without_server(subject, each);
    const bool said = own && std::ranges::any_of(found, [&](const Finding& other) {
                        return other.path == own->path;
                      });
    if (own && !said)
      found.push_back(at(own->path, own->find(package_of(each.framework))->place,
                         "neither gunicorn nor uvicorn is declared"));
  }
}

Findings no_server(const Subject& subject) {
  Findings found;
  services_without_server(subject, found);
  if (has_server(subject) || declared_packages(subject.repository).empty()) return found;
  const auto& stack = subject.stack;
  if (!stack.djangos.empty())
    return {without_server(subject, "django", stack.djangos.front().manage, {1, 1})};
  for (const auto& each : stack.applications) {
    if (each.framework != Framework::kFlask && each.framework != Framework::kFastapi) continue;
    auto made = without_server(subject, package_of(each.framework), each.path, each.place);
    if (!std::ranges::any_of(found, [&](const Finding& other) { return other.path == made.path; }))
      found.push_back(std::move(made));
    break;
  }
  return found;
}

Findings no_production_server(const Subject& subject) {
  auto found = no_server(subject);
  auto started = development_servers(subject);
  found.insert(found.end(), started.begin(), started.end());
  return found;
}

Findings utf16_manifest(const Subject& subject) {
  Findings found;
  for (const auto& manifest : subject.repository.manifests)
    if (manifest.utf16) found.push_back(at(manifest.path, {1, 1}, "the file is UTF-16"));
  return found;
}

bool installs(std::string_view line) {
  return !trim(line).starts_with('#') &&
         (any_of_words(line, {"pip install", "npm install", "npm ci", "yarn install",
                              "pip3 install", "uv sync", "poetry install"}) ||
          is_plain_yarn(line));
}

/// "start.sh" that installs and then serves, though no image starts it.
void install_in_start_scripts(const Subject& subject, Findings& found) {
  for (const auto& script : subject.repository.scripts) {
    const auto name = to_lower(file_name(script.path));
    const bool starts = name == "start.sh" || name == "run.sh" || name == "entrypoint.sh" ||
                        name == "docker-entrypoint.sh";
    if (!starts || is_set_aside(script.path)) continue;
    const ShellCommand* install = nullptr;
    for (const auto& each : script.script.commands) {
      if (installs(each.text) && !install) install = &each;
      const bool serves = any_of_words(
          each.text, {"gunicorn", "uvicorn", "app.py", "main.py", "runserver", "npm start",
                      "streamlit run", "node ", "flask run", "npm run start"});
      if (!serves || !install || installs(each.text)) continue;
      found.push_back(at(script.path, install->place, install->text));
      break;
    }
  }
}

Findings install_at_start(const Subject& subject) {
  Findings found;
  install_in_start_scripts(subject, found);
  for (const auto* file : subject.stack.dockerfiles) {
    const auto* stage = file->final_stage();
    if (!stage) continue;
    for (const auto* name : {"ENTRYPOINT", "CMD"}) {
      const auto* each = stage->last(name);
      if (!each) continue;
      if (installs(each->text))
        found.push_back(at(file->path, each->place, each->name + " " + each->text));
      const auto* script = started_script(subject.repository, *file, each->argv());
      if (!script) continue;
      for (const auto& command : script->script.commands)
        if (installs(command.text)) found.push_back(at(script->path, command.place, command.text));
    }
  }
  for (const auto* compose : subject.stack.composes)
    for (const auto& service : compose->services)
      if (installs(join(service.command, " ")))
        found.push_back(at(compose->path, service.command_place, join(service.command, " ")));
  for (const auto& file : subject.repository.code) {
    if (file.test) continue;
    for (const auto& call : file.calls)
      if (any_of_words(call.callee(), {"os.system", "subprocess."}) &&
          any_of_words(call.value.text,
                       {"pip install", "\"pip\", \"install\"", "'pip', 'install'"}))
        found.push_back(at(file.path, call.value.place, call.value.text));
  }
  return found;
}

constexpr std::array kRules = {
    Rule{"DEP-001", Severity::kMajor, "A package is imported and not declared",
         "It works where somebody installed it by hand, and fails on a fresh machine.",
         "Add it to requirements.txt or pyproject.toml.", undeclared},
    Rule{"DEP-002", Severity::kWarn, "A framework past its end of life",
         "Its security holes are published and no longer closed.", "Move to a supported version.",
         old_framework},
    Rule{"DEP-003", Severity::kMajor, "No production server",
         "Only the development server is there to serve the public.",
         "Add gunicorn (or uvicorn) to the requirements; of Node start what was built (`node "
         "dist/main.js`, `next start`), or let nginx serve its files.",
         no_production_server},
    Rule{"DEP-004", Severity::kMajor, "The manifest is UTF-16",
         "pip reads it on Windows and fails on Linux: `pip freeze > file` of PowerShell wrote it.",
         "Save it as UTF-8.", utf16_manifest},
    Rule{"DEP-005", Severity::kMajor, "Packages are installed at every start",
         "A start needs the registry, takes minutes, and may run other versions than were tested.",
         "Install when building.", install_at_start},
};

}  // namespace

std::span<const Rule> dependency_rules() {
  return kRules;
}

}  // namespace ecluse::preflight
