#include "preflight/proposal/proposal.h"

#include <gtest/gtest.h>

#include <map>

#include "config/parse.h"
#include "preflight/proposal/serving.h"
#include "preflight/proposal/write.h"

namespace ecluse::preflight {
namespace {

using Files = std::map<std::string, std::string>;

struct Made {
  Proposal proposal;
  std::string yaml;
  model::AppSpec spec;
};

Proposal proposal_of(const Files& files) {
  Collector collector;
  for (const auto& [path, text] : files) {
    const FileFact fact{.path = path, .bytes = text.size()};
    collector.file(fact);
    if (Collector::wish(path, text.size()) != Wish::kNothing) collector.content(fact, text);
  }
  const auto repository = collector.finish();
  return propose(repository, conclude(repository), "My Shop.v2");
}

/// What init writes for a repository that exists in memory alone; it always parses.
Made init(const Files& files) {
  Made made{proposal_of(files), {}, {}};
  made.yaml = ecluse_yml(made.proposal);
  const auto parsed = config::parse(made.yaml, "ecluse.yml");
  if (parsed)
    made.spec = parsed->spec;
  else
    ADD_FAILURE() << config::render(parsed.error(), made.yaml);
  return made;
}

const model::ProcessSpec& web(const Made& made, const std::string& name = "web") {
  static const model::ProcessSpec none;
  const auto* environment = made.spec.find_environment("preprod");
  const auto* found = environment ? environment->find_process(name) : nullptr;
  if (!found) ADD_FAILURE() << "no process " << name << " in\n" << made.yaml;
  return found ? *found : none;
}

const model::EnvironmentSpec& preprod(const Made& made) {
  return *made.spec.find_environment("preprod");
}

const Files kDjango = {
    {"manage.py", "import os\nos.environ.setdefault('DJANGO_SETTINGS_MODULE', 'shop.settings')\n"},
    {"shop/wsgi.py",
     "import os\nos.environ.setdefault('DJANGO_SETTINGS_MODULE', 'shop.settings')\n"},
    {"shop/urls.py", "urlpatterns = [path('', views.index), path('health/', views.health)]\n"},
    {"requirements.txt", "django\ngunicorn\npsycopg[binary]\nwhitenoise\n"},
    {"shop/settings.py",
     "import os\nSECRET_KEY = os.environ['SECRET_KEY']\nALLOWED_HOSTS = "
     "os.environ.get('ALLOWED_HOSTS', '').split(' ')\nDATABASES = {'default': {'NAME': "
     "os.environ['POSTGRES_DB']}}\nSTATIC_ROOT = BASE_DIR / 'staticfiles'\nMEDIA_ROOT = BASE_DIR "
     "/ 'media'\n"}};

Files locked(const std::string& lock, const std::string& python) {
  auto files = kDjango;
  files[lock] = "";
  files["pyproject.toml"] = "[project]\nname = \"shop\"\nrequires-python = \"" + python + "\"\n";
  return files;
}

std::string python_of(const std::string& wanted) {
  return preprod(init(locked("uv.lock", wanted))).build.version;
}

TEST(Init, NamesThePythonThatALockedProjectDemandsWhereItIsNewerThanTheOldestDistributions) {
  EXPECT_EQ(python_of(">=3.12"), "3.12");
  EXPECT_EQ(python_of(">=3.10, <3.14, !=3.13.1, >=3.13"), "3.13");
  EXPECT_EQ(python_of("==3.13.*"), "3.13");
  EXPECT_EQ(python_of(">=3.11"), "");
  EXPECT_EQ(python_of("<3.13"), "");
  EXPECT_EQ(python_of(">=3.12 || >=2.7"), "");
  EXPECT_EQ(python_of("newest"), "");
}

TEST(Init, NamesThePythonOfALockedProjectThatTakesNoNewerOne) {
  EXPECT_EQ(python_of("<3.11"), "3.10");
  EXPECT_EQ(python_of("<=3.10"), "3.10");
  EXPECT_EQ(python_of("~=3.10.2"), "3.10");
  EXPECT_EQ(python_of("==3.9.*"), "3.9");
  EXPECT_EQ(python_of("~=3.10"), "");
  EXPECT_EQ(python_of(">=3.9,<4"), "");
  EXPECT_EQ(python_of("<3.11.5"), "");
  EXPECT_EQ(python_of("==3.*"), "");
}

TEST(Init, SaysThatAnotherPythonIsNeededBeforeItIsBuilt) {
  const auto made = init(locked("uv.lock", "<3.11"));
  EXPECT_NE(gaps_text(made.proposal).find("Python 3.10 is needed"), std::string::npos);
  EXPECT_EQ(gaps_text(init(locked("uv.lock", ">=3.9")).proposal).find("is needed"),
            std::string::npos);
}

TEST(Init, NamesThePythonThatPipRefusesToDoWithout) {
  auto files = kDjango;
  files.erase("requirements.txt");
  files["pyproject.toml"] = "[project]\nrequires-python = \">=3.13\"\ndependencies = ['django']\n";
  EXPECT_EQ(preprod(init(files)).build.version, "3.13");
}

TEST(Init, PrefersThePythonThatAProjectBesideItsRequirementsAsksFor) {
  auto files = kDjango;
  files["pyproject.toml"] = "[tool.poetry.dependencies]\npython = \"~3.10\"\n";
  EXPECT_EQ(preprod(init(files)).build.prefer, "3.10");
  EXPECT_EQ(preprod(init(files)).build.version, "");
}

TEST(Init, NamesThePythonOfAPoetryProject) {
  auto files = kDjango;
  files["poetry.lock"] = "";
  files["pyproject.toml"] = "[tool.poetry.dependencies]\npython = \"^3.13\"\ndjango = \"^5\"\n";
  const auto made = init(files);
  EXPECT_EQ(preprod(made).build.version, "3.13");
  EXPECT_EQ(made.proposal.parts.at(0).build.source.why.place.line, 2);
}

TEST(Init, WritesADjangoProjectWithItsDatabaseItsJobsAndItsVariables) {
  const auto made = init(kDjango);
  EXPECT_EQ(made.spec.app, "my-shop-v2");
  EXPECT_EQ(web(made).command, "gunicorn shop.wsgi --bind 0.0.0.0:$PORT");
  ASSERT_TRUE(web(made).ready);
  EXPECT_EQ(web(made).ready->path, "/health/");
  const auto& environment = preprod(made);
  ASSERT_EQ(environment.release.size(), 2U);
  EXPECT_EQ(environment.release[0].run, "python manage.py migrate --noinput");
  ASSERT_EQ(environment.services.size(), 1U);
  EXPECT_EQ(environment.services[0].kind, model::ServiceKind::kPostgres);
  EXPECT_EQ(environment.secrets, std::vector<std::string>{"SECRET_KEY"});
  EXPECT_EQ(environment.volumes.at("media"), "/app/media");
  EXPECT_EQ(std::get<std::string>(environment.env.at("ALLOWED_HOSTS")),
            "my-shop-v2.localhost preprod.my-shop-v2.localhost");
}

TEST(Init, NamesTheEvidenceOfEachLine) {
  const auto reasons = reasons_text(init(kDjango).proposal);
  EXPECT_NE(reasons.find("services.db: postgres\n    shop/settings.py:4"), std::string::npos)
      << reasons;
}

TEST(Init, FollowsFunctionsThatReadAVariableForOthers) {
  auto files = kDjango;
  files["shop/env.py"] =
      "import os\ndef required(name):\n  value = os.environ.get(name, '')\n  if not value:\n    "
      "raise KeyError(name)\n  return value\ndef flag(name):\n  return os.environ.get(name, 'no') "
      "== 'yes'\n";
  files["shop/settings.py"] =
      "from shop import env\nAPI_TOKEN = env.required('API_TOKEN')\nX = env.flag('API_SECRET')\n";
  EXPECT_EQ(preprod(init(files)).secrets, std::vector<std::string>{"API_TOKEN"});
}

TEST(Init, SplitsHostsAsTheCallerOfSuchAFunctionDoes) {
  auto files = kDjango;
  files["shop/settings.py"] =
      "import os\ndef must(name):\n  return os.environ[name]\n"
      "ALLOWED_HOSTS = must('ALLOWED_HOSTS').split(' ')\n";
  EXPECT_EQ(std::get<std::string>(preprod(init(files)).env.at("ALLOWED_HOSTS")),
            "my-shop-v2.localhost preprod.my-shop-v2.localhost");
}

TEST(Init, GivesFlaskSqlalchemysFileItsInstanceFolder) {
  const Files files = {{"requirements.txt", "flask\nflask-sqlalchemy\ngunicorn\n"},
                       {"app.py",
                        "import os\nfrom flask import Flask\napp = Flask(__name__)\n"
                        "app.config['SQLALCHEMY_DATABASE_URI'] = 'sqlite:///shop.db'\n"
                        "LOG = os.environ.get('LOG_FILE', 'logs/shop.log')\n"}};
  EXPECT_EQ(
      preprod(init(files)).volumes,
      (std::map<std::string, std::string>{{"instance", "/app/instance"}, {"logs", "/app/logs"}}));
  auto other = files;
  other["app.py"] =
      "from flask import Flask\napp = Flask(__name__)\n"
      "app.config['SQLALCHEMY_DATABASE_URI'] = 'sqlite:////data/shop.db'\n";
  EXPECT_TRUE(preprod(init(other)).volumes.empty());
}

TEST(Init, TakesTheStartCommandOfTheImageAndItsPortFromTheEnvironment) {
  auto files = kDjango;
  files["Dockerfile"] =
      "FROM python:3.12\nCMD [\"sh\", \"-c\", \"python manage.py migrate && exec gunicorn "
      "shop.wsgi:application --workers 3 --bind 0.0.0.0:8000\"]\n";
  EXPECT_EQ(web(init(files)).command,
            "gunicorn shop.wsgi:application --workers 3 --bind 0.0.0.0:$PORT");
}

const Files kFlask = {{"app.py", "from flask import Flask\napp = Flask(__name__)\n"},
                      {"requirements.txt", "flask\ngunicorn\n"}};

TEST(Init, TakesTheImageThatAComposeFileBuilds) {
  auto files = kFlask;
  files["compose.yml"] =
      "services:\n  web:\n    build: {context: ., dockerfile: docker/Dockerfile.web}\n";
  files["docker/Dockerfile.web"] =
      "FROM python:3.12\nCMD [\"gunicorn\", \"-w\", \"3\", \"-b\", \":9000\", \"app:app\"]\n";
  EXPECT_EQ(web(init(files)).command, "gunicorn -w 3 app:app --bind 0.0.0.0:$PORT");
}

TEST(Init, ReadsThePlatformsFilesThatSayWhatStarts) {
  const std::string command = "gunicorn app:app --threads 7";
  for (const auto& [path, text] :
       Files{{"Procfile", "release: flask db upgrade\nweb: " + command + "\n"},
             {"render.yaml", "services:\n  - type: web\n    startCommand: " + command + "\n"},
             {"railway.json", "{\"deploy\": {\n  \"startCommand\": \"" + command + "\",\n}}\n"},
             {"railway.toml", "[deploy]\nstartCommand = '" + command + "'\n"},
             {"fly.toml", "[deploy]\n  app = 'no'\n[processes]\n  app = \"" + command + "\"\n"},
             {"nixpacks.toml", "[start]\ncmd = \"" + command + "\"\n"}}) {
    auto files = kFlask;
    files[path] = text;
    const auto made = init(files);
    EXPECT_EQ(web(made).command, command + " --bind 0.0.0.0:$PORT") << path;
    EXPECT_EQ(made.proposal.parts.at(0).command.why.path, path);
  }
}

TEST(Init, DoesNotBelieveAStartCommandThatNamesWhatIsNotThere) {
  auto files = kDjango;
  files["Procfile"] = "web: gunicorn store.wsgi\n";
  const auto made = init(files);
  EXPECT_EQ(web(made).command, "gunicorn shop.wsgi --bind 0.0.0.0:$PORT");
  EXPECT_NE(gaps_text(made.proposal).find("store.wsgi, which does not exist"), std::string::npos);
}

TEST(Init, FindsAFlaskObjectByAnyNameAndAddsTheServerThatIsMissing) {
  const auto made = init({{"requirements.txt", "flask\n"},
                          {"site_app.py",
                           "from flask import Flask\nserver = Flask(__name__)\n"
                           "@server.route('/x')\ndef x(): return ''\n"}});
  EXPECT_EQ(web(made).command, "gunicorn site_app:server --bind 0.0.0.0:$PORT");
  EXPECT_EQ(preprod(made).build.source, "requirements-ecluse.txt");
  const auto beside = files_beside(made.proposal).at("requirements-ecluse.txt");
  EXPECT_TRUE(beside.ends_with("-r requirements.txt\ngunicorn\n")) << beside;
}

TEST(Init, CallsAFlaskFactoryInsideItsPackage) {
  const auto made = init(
      {{"requirements.txt", "flask\ngunicorn\n"},
       {"app.py", "from app import create_app\napp = create_app()\n"},
       {"app/__init__.py",
        "from flask import Flask\ndef create_app():\n  app = Flask(__name__)\n  return app\n"}});
  EXPECT_EQ(web(made).command, "gunicorn 'app:create_app()' --bind 0.0.0.0:$PORT");
}

TEST(Init, LeavesASocketOfTheImageBehind) {
  auto files = kFlask;
  files["Procfile"] = "web: uvicorn app:app --uds /run/shop.sock --proxy-headers\n";
  EXPECT_EQ(web(init(files)).command,
            "uvicorn app:app --proxy-headers --host 0.0.0.0 --port $PORT");
}

TEST(Init, StartsWhereTheServerWasToldToGo) {
  for (const auto* line : {"uvicorn main:app --app-dir src", "uvicorn --app-dir=src main:app"}) {
    const auto made = init({{"requirements.txt", "fastapi\nuvicorn\n"},
                            {"Procfile", std::string("web: ") + line + "\n"},
                            {"src/main.py", "from fastapi import FastAPI\napp = FastAPI()\n"}});
    EXPECT_EQ(web(made).command, "uvicorn main:app --host 0.0.0.0 --port $PORT");
    EXPECT_EQ(web(made).root, "src");
  }
}

TEST(Init, BuildsADjangoProjectAboveTheFolderThatItIsStartedIn) {
  Files files;
  for (const auto& [path, text] : kDjango)
    files[path == "requirements.txt" ? "back/requirements.txt" : "back/site/" + path] = text;
  files["back/Dockerfile"] =
      "FROM python:3.12\nCMD [\"gunicorn\", \"--chdir\", \"site\", \"shop.wsgi\"]\n";
  const auto made = init(files);
  EXPECT_EQ(web(made).root, "back");
  EXPECT_EQ(web(made).command, "sh -c 'cd site && exec gunicorn shop.wsgi --bind 0.0.0.0:$PORT'");
  EXPECT_EQ(preprod(made).release.at(0).run,
            "sh -c 'cd back/site && exec ../.venv/bin/python manage.py migrate --noinput'");
  EXPECT_EQ(preprod(made).volumes.at("media"), "/app/back/site/media");
}

TEST(Init, SaysThatNothingNamesThePackages) {
  auto files = kFlask;
  files.erase("requirements.txt");
  EXPECT_NE(gaps_text(init(files).proposal).find("nothing says which packages"), std::string::npos);
}

TEST(Init, SaysThatAssetsOfAPythonAppAreNotBuilt) {
  auto files = kFlask;
  files["package.json"] = R"({"scripts": {"build": "tailwindcss -o static/site.css"}})";
  EXPECT_NE(gaps_text(init(files).proposal).find("package.json builds"), std::string::npos);
}

TEST(Init, SaysThatAnAddressInTheCodeNamesAHost) {
  auto files = kFlask;
  files["settings.py"] =
      "import os\nURI = f\"postgresql://{os.environ['DB_USER']}@db:5432/shop\"\n";
  EXPECT_NE(gaps_text(init(files).proposal).find("database is (db)"), std::string::npos);
  files["settings.py"] = "import os\nURI = f\"postgresql://a@{os.environ['DB_HOST']}:5432/shop\"\n";
  EXPECT_EQ(gaps_text(init(files).proposal).find("database is ("), std::string::npos);
}

TEST(Init, DoesNotDemandWhatTheImageBrings) {
  auto files = kFlask;
  files["app.py"] += "import os\nREGION = os.environ['REGION']\nHOST = os.environ['API_HOST']\n";
  files["Dockerfile"] =
      "FROM python:3.12 AS base\nENV REGION=eu API_HOST=$HOST\nFROM base\nCMD [\"gunicorn\", "
      "\"app:app\"]\n";
  const auto made = init(files);
  EXPECT_EQ(std::get<std::string>(preprod(made).env.at("REGION")), "eu");
  ASSERT_EQ(made.proposal.asks.size(), 1U);
  EXPECT_EQ(made.proposal.asks[0].what, "API_HOST");
}

TEST(Init, MigratesNothingWhereNoMigrationWasMade) {
  auto files = kFlask;
  files["alembic.ini"] = "[alembic]\nscript_location = migrations\n";
  files["migrations/env.py"] = "";
  EXPECT_TRUE(preprod(init(files)).release.empty());
}

TEST(Init, ServesFastapiByUvicorn) {
  const auto made = init({{"pyproject.toml", "[project]\ndependencies = ['fastapi', 'uvicorn']\n"},
                          {"src/api/main.py",
                           "from fastapi import FastAPI\napp = FastAPI()\n@app.get('/health')\n"
                           "def health(): return 1\n"}});
  EXPECT_EQ(web(made).command, "uvicorn src.api.main:app --host 0.0.0.0 --port $PORT");
  ASSERT_TRUE(web(made).ready);
  EXPECT_EQ(web(made).ready->path, "/health");
}

TEST(Init, LooksForTheStreamlitScriptInTheManualNotByItsName) {
  const auto made =
      init({{"lab/uv.lock", ""},
            {"lab/pyproject.toml", "[project]\ndependencies = ['streamlit']\n"},
            {"lab/src/board.py", "import streamlit as st\n"},
            {"lab/src/main.py", "import streamlit as st\n"},
            {"lab/README.md", "Run `uv run streamlit run src/board.py` and look.\n"}});
  EXPECT_EQ(web(made).command,
            "streamlit run src/board.py --server.address 0.0.0.0 --server.port $PORT "
            "--server.headless true");
  EXPECT_EQ(web(made).root, "lab");
  EXPECT_EQ(web(made).affinity, model::Affinity::kInstance);
}

std::string streamlit_command(Files files) {
  files["requirements.txt"] = "streamlit\n";
  const auto made = proposal_of(files);
  return made.parts.empty() ? "" : made.parts[0].command.value.substr(0, 24);
}

TEST(Init, TakesTheOneScriptThatImportsStreamlitWhereNothingSaysIt) {
  const std::string page = "import streamlit as st\n";
  EXPECT_EQ(streamlit_command({{"board.py", page}, {"sums.py", "import math\n"}}),
            "streamlit run board.py -");
  EXPECT_EQ(streamlit_command({{"board.py", page + "import parts\n"}, {"parts.py", page}}),
            "streamlit run board.py -");
  EXPECT_EQ(streamlit_command({{"board.py", page},
                               {"pages/1_sums.py", page},
                               {"other/tool.py", page},
                               {"tests/test_x.py", page}}),
            "streamlit run board.py -");
  EXPECT_EQ(streamlit_command({{"board.py", page + "st.set_page_config()\n"}, {"tool.py", page}}),
            "streamlit run board.py -");
  EXPECT_EQ(streamlit_command({{"board.py", page}, {"tool.py", page}}), "");
}

TEST(Init, PutsTheTwoPartsOfAMonorepoBehindOneHost) {
  const auto made = init(
      {{"backend/package.json",
        R"({"scripts": {"start": "node server.js"}, "dependencies": {"express": "4"}})"},
       {"backend/server.js", "const app = require('express')();\napp.listen(5000);\n"},
       {"frontend/package.json",
        R"({"scripts": {"build": "next build", "start": "next start"}, "dependencies": {"next": "14"}})"},
       {"frontend/api.ts", "export const url = process.env.NEXT_PUBLIC_API_URL;\n"}});
  EXPECT_EQ(web(made, "api").command, "node server.js");
  EXPECT_EQ(web(made, "api").port, 5000);
  EXPECT_EQ(web(made, "api").routes, std::vector<std::string>{"/api"});
  EXPECT_EQ(web(made).command, "next start -p $PORT");
  ASSERT_TRUE(web(made).build);
  EXPECT_EQ(web(made).build->per_environment, std::vector<std::string>{"NEXT_PUBLIC_API_URL"});
}

TEST(Init, ServesAFolderOfPages) {
  EXPECT_EQ(web(init({{"public/index.html", "<p>"}})).command,
            "python3 -m http.server $PORT --directory public");
}

TEST(Init, StartsAnExpressServerOnItsOwnPort) {
  const auto made = proposal_of(
      {{"package.json",
        R"({"scripts": {"start": "node server.js"}, "dependencies": {"express": "^5.0.0"}})"},
       {"server.js",
        "const express = require('express');\nconst app = express();\n"
        "app.get('/healthz', (request, answer) => answer.send('ok'));\napp.listen(3000);\n"}});
  ASSERT_EQ(made.parts.size(), 1u);
  EXPECT_EQ(made.parts[0].command.value, "node server.js");
  EXPECT_EQ(made.parts[0].port->value, "3000");
  EXPECT_EQ(made.parts[0].ready->value, "/healthz");
}

std::string node_start(const std::string& package, Files files) {
  files["package.json"] = package;
  const auto made = proposal_of(files);
  return made.parts.empty() ? "" : made.parts[0].command.value;
}

TEST(Init, StartsANodeProgramThatOnlyItsImageNames) {
  const std::string package =
      R"({"main": "lib.js", "scripts": {"build": "pkgroll"}, "dependencies": {"express": "5"}})";
  const Files files = {{"src/server.ts", "app.listen(process.env.PORT);\n"},
                       {"Dockerfile", "FROM node:22\nCMD [\"node\", \"./dist/server.mjs\"]\n"}};
  EXPECT_EQ(node_start(package, files), "node ./dist/server.mjs");
  auto other = files;
  other["Dockerfile"] = "FROM node:22\nCMD [\"node\", \"dist/other.mjs\"]\n";
  EXPECT_EQ(node_start(package, other), "") << "src/server.js is no file";
}

TEST(Init, StartsWithoutASettingsFileThatGitDoesNotHold) {
  const std::string package =
      R"({"scripts": {"start": "node --env-file=../.env s.js"}, "dependencies": {"express": "5"}})";
  EXPECT_EQ(node_start(package, {{"s.js", ""}}), "node s.js");
}

TEST(Init, GivesAPathToOneOfTwoProjectsThatAnswerIt) {
  Files files;
  for (const auto* folder : {"books/", "shop/", "tour/"})
    for (const auto& [path, text] : Files{{"requirements.txt", "fastapi\nuvicorn\n"},
                                          {"main.py",
                                           "from fastapi import FastAPI\napp = FastAPI()\n"
                                           "@app.get('/admin/users')\ndef users(): return 1\n"}})
      files[folder + path] = text;
  const auto made = init(files);  // which parses
  EXPECT_EQ(web(made, "shop").routes.at(0), "/admin");
  EXPECT_EQ(web(made, "tour").routes, std::vector<std::string>{"/tour"});
}

TEST(Init, StartsNoToolOfAnotherPackage) {
  const auto parts = [](const std::string& code) {
    return proposal_of({{"web/package.json",
                         R"({"scripts": {"start": "next start"}, "dependencies": {"next": "15"}})"},
                        {"cli/package.json", R"({"scripts": {"start": "node s.js"}})"},
                        {"cli/s.js", code}})
        .parts.size();
  };
  EXPECT_EQ(parts("console.log(process.env.HOME);\n"), 1U);
  EXPECT_EQ(parts("http.createServer(f).listen(process.env.PORT);\n"), 2U);
}

TEST(Init, TakesNoPagesOfAServerForAllOfIt) {
  const auto start = [](const std::string& adapter) {
    return node_start(R"({"scripts": {"build": "vite build"}, "devDependencies": {"vite": "6",
        "@sveltejs/kit": "2", "@sveltejs/adapter-)" +
                          adapter + R"(": "1"}})",
                      {});
  };
  EXPECT_EQ(start("auto"), "");
  EXPECT_EQ(start("node"), "node build");
  EXPECT_EQ(start("static"), "python3 -m http.server $PORT --directory build");
}

TEST(Init, GivesAVolumeToTheLogsOfANodeApp) {
  const auto volumes = [](const std::string& code) {
    const auto made =
        proposal_of({{"package.json", R"({"dependencies": {"express": "5"}})"},
                     {"server.js", "app.listen(process.env.PORT);\n"},
                     {"helpers/logger.js", "const bunyan = require('bunyan');\n" + code}});
    return made.volumes.empty() ? "" : made.volumes.begin()->second.value;
  };
  EXPECT_EQ(volumes("winston.createLogger({a: [new File({filename: 'logs/shop.log'})]});\n"),
            "/app/logs");
  EXPECT_EQ(volumes("log({streams: [{path: __dirname + '/../logs/shop.log'}]});\n"), "/app/logs");
  EXPECT_EQ(volumes("fs.createWriteStream(path.join(__dirname, 'logs', 'access.log'));\n"),
            "/app/helpers/logs");
  EXPECT_EQ(volumes("log({path: '/var/log/shop.log'});\nlog({path: FOLDER + '/shop.log'});\n"), "");
}

TEST(Init, StartsWhatNuxtAndNitroBuild) {
  for (const auto* tool : {"nuxt", "nitropack"})
    EXPECT_EQ(node_start(R"({"scripts": {"build": ")" + std::string(tool) + R"( build"}})", {}),
              "node .output/server/index.mjs");
}

TEST(Init, ServesPagesFromWhereTheirToolWritesThem) {
  const auto folder = [](const std::string& tool, const Files& files) {
    const auto command = node_start(
        R"({"scripts": {"build": "x"}, "dependencies": {")" + tool + R"(": "1"}})", files);
    return command.substr(command.rfind(' ') + 1);
  };
  EXPECT_EQ(folder("astro", {}), "dist");
  EXPECT_EQ(folder("gatsby", {}), "public");
  EXPECT_EQ(folder("vite", {{"vite.config.ts", "export default {build: {outDir: 'site'}}\n"}}),
            "site");
  EXPECT_EQ(folder("vite", {{"vite.config.ts", "export default {build: {outDir: 'a/../../b'}}\n"}}),
            "dist");
  EXPECT_EQ(folder("next", {{"next.config.mjs", "export default {output: 'export'}\n"}}), "out");
  EXPECT_EQ(folder("next", {{"next.config.js", "c = {\n  // output: 'export',\n}\n"}}), "$PORT");
}

TEST(Init, BuildsAndStartsNext) {
  const auto made = proposal_of({{"package.json",
                                  R"({"scripts": {"build": "next build", "start": "next start"},
                                      "dependencies": {"next": "^16.0.0"}})"}});
  ASSERT_EQ(made.parts.size(), 1u);
  EXPECT_EQ(made.parts[0].command.value, "next start -p $PORT");
  EXPECT_EQ(made.parts[0].build.kind, "node");
  ASSERT_EQ(made.parts[0].build.run.size(), 1u);
  EXPECT_EQ(made.parts[0].build.run[0].value, "npm run build");
}

TEST(Init, TakesTheCommandOfAComposeFileThatBuildsNothing) {
  const auto made =
      proposal_of({{"compose.yml",
                    "services:\n  web:\n    image: python:3.12\n    command: gunicorn api.main:app "
                    "-b 0.0.0.0:8000\n"},
                   {"api/main.py", "from flask import Flask\napp = Flask(__name__)\n"},
                   {"requirements.txt", "flask\ngunicorn\n"}});
  ASSERT_EQ(made.parts.size(), 1u);
  EXPECT_EQ(made.parts[0].command.value, "gunicorn api.main:app --bind 0.0.0.0:$PORT");
  EXPECT_EQ(made.parts[0].command.why.path, "compose.yml");
}

TEST(Init, StartsAProgramThatOnlyADockerfileNames) {
  const auto made = proposal_of(
      {{"Dockerfile",
        "FROM python:3.12\nCOPY . .\nEXPOSE 9000/tcp\nCMD [\"python\", \"server.py\"]\n"},
       {"server.py", "import http.server\n"},
       {"requirements.txt", "requests\n"}});
  ASSERT_EQ(made.parts.size(), 1u);
  EXPECT_EQ(made.parts[0].command.value, "python server.py");
  EXPECT_EQ(made.parts[0].port->value, "9000");
  EXPECT_EQ(made.parts[0].build.kind, "python");
}

TEST(Init, SaysThatWhatOnlyAnImageHoldsCannotBeStarted) {
  const auto made = proposal_of(
      {{"Dockerfile", "FROM debian:12\nCOPY --from=build /shop /shop\nCMD [\"/shop\"]\n"}});
  EXPECT_TRUE(made.parts.empty());
  ASSERT_EQ(made.gaps.size(), 1u);
  EXPECT_EQ(made.gaps[0].what, "the image starts /shop; ecluse runs no images yet");
  EXPECT_EQ(made.gaps[0].why.path, "Dockerfile");
}

TEST(Init, SaysWhatAnImageCopiesThatACloneHasNot) {
  const auto made = proposal_of(
      {{"Dockerfile",
        "FROM python:3.12\nCOPY requirements.txt .\nCOPY data/ ./data/\nCOPY shop/ ./shop/\n"
        "COPY . .\nCMD [\"python\", \"server.py\"]\n"},
       {"requirements.txt", "requests\n"},
       {"shop/prices.txt", "1\n"},
       {"server.py", "import http.server\n"}});
  ASSERT_EQ(made.gaps.size(), 1u);
  EXPECT_EQ(made.gaps[0].what, "data/ is copied into the image and is not in the repository");
  EXPECT_EQ(made.gaps[0].why.place.line, 3);
}

TEST(Init, ProposesNothingWhereNothingServes) {
  Collector collector;
  const auto repository = collector.finish();
  const auto stack = conclude(repository);
  EXPECT_TRUE(propose(repository, stack, "x").parts.empty());
}

TEST(Init, QuotesWhatYamlWouldReadAsSomethingElse) {
  auto files = kDjango;
  files["shop/settings.py"] +=
      "DEBUG = os.environ.get('DEBUG', 'True')\nX = os.environ['REGION']\n";
  files[".env.example"] = "REGION=012:#1\n";
  const auto made = init(files);
  EXPECT_EQ(std::get<std::string>(preprod(made).env.at("DEBUG")), "False");
  EXPECT_EQ(std::get<std::string>(preprod(made).env.at("REGION")), "012:#1");
}

TEST(Init, MakesANameOfAnyFolder) {
  EXPECT_EQ(app_name("My_Shop.v2"), "my-shop-v2");
  EXPECT_EQ(app_name("007"), "app");
  EXPECT_EQ(app_name("-é-"), "app");
  EXPECT_EQ(app_name(std::string(80, 'a')).size(), 32U);
}

TEST(Serving, IsNoneForDevelopmentAndIdling) {
  for (const auto* line : {"python manage.py runserver 0.0.0.0:8000", "tail -f /dev/null",
                           "npm run dev", "uvicorn app:app --reload", "nodemon server.js", "bash"})
    EXPECT_FALSE(find_serving(line)) << line;
}

TEST(Serving, IsFoundBehindWhatOnlyStartsIt) {
  for (const auto* line :
       {"poetry run gunicorn a:b", "exec /app/.venv/bin/gunicorn a:b", "python -m gunicorn a:b",
        "PYTHONPATH=src uv run --frozen gunicorn a:b", "bash -c 'cd x && gunicorn a:b -b :80'"}) {
    const auto found = find_serving(line);
    ASSERT_TRUE(found) << line;
    EXPECT_EQ(command_of(*found), "gunicorn a:b --bind 0.0.0.0:$PORT") << line;
  }
}

TEST(Proposal, RunsTheChecksThatThePipelineRuns) {
  auto files = kDjango;
  files["requirements.txt"] += "flake8\npytest\n";
  files[".github/workflows/ci.yml"] =
      "on: push\njobs:\n  test:\n    env: {SECRET_KEY: \"${{ secrets.KEY }}\", "
      "SENTRY_DSN: \"${{ secrets.DSN }}\"}\n    steps:\n"
      "      - run: poetry run flake8 .\n"
      "      - run: mypy src || true\n"
      "      - run: python -m pytest --cov-fail-under=80\n";
  const auto made = init(files);
  ASSERT_EQ(preprod(made).checks.size(), 2U) << made.yaml;
  EXPECT_EQ(preprod(made).checks[0].run, "SECRET_KEY=ci-only flake8 . --extend-exclude=.venv");
  EXPECT_EQ(preprod(made).checks[1].run, "SECRET_KEY=ci-only pytest --cov-fail-under=80");
}

TEST(Proposal, AsksAtLocalhostWhereTheListOfHostsIsEmpty) {
  auto files = kDjango;
  files["shop/settings.py"] =
      "DEBUG = True\nALLOWED_HOSTS = []\nROOT_URLCONF = 'shop.urls'\nDATABASES = {}\n";
  EXPECT_EQ(preprod(init(files)).hosts.at(0).host, "localhost");
}

TEST(Proposal, SaysWhatIsImportedAndNotDeclared) {
  auto files = kDjango;
  files["shop/views.py"] = "import os\nimport matplotlib\nimport yfinance\nos.environ['A']\n";
  EXPECT_NE(gaps_text(init(files).proposal).find("import matplotlib, import yfinance"),
            std::string::npos);
  EXPECT_EQ(gaps_text(init(kDjango).proposal).find("no manifest declares"), std::string::npos);
}

TEST(Proposal, KeepsAnOldFlake8OutOfTheEnvironmentByTheListOfTheSettings) {
  auto files = kDjango;
  files["requirements.txt"] += "flake8==3.7.0\n";
  files["setup.cfg"] = "[flake8]\nmax-line-length = 99\nexclude = **/migrations/*, venv\n";
  const auto unproven = init(files);
  EXPECT_TRUE(preprod(unproven).checks.empty()) << unproven.yaml;
  EXPECT_NE(gaps_text(unproven.proposal).find("no pipeline runs `flake8`"), std::string::npos);

  files[".github/workflows/ci.yml"] = "on: push\njobs:\n  test:\n    steps:\n      - run: flake8\n";
  const auto made = init(files);
  ASSERT_EQ(preprod(made).checks.size(), 1U) << made.yaml;
  EXPECT_EQ(preprod(made).checks[0].run, "flake8 --exclude=**/migrations/*,venv,.git,.venv");
}

TEST(Proposal, LeavesOutChecksThatNeedAServiceAndSaysSo) {
  auto files = kDjango;
  files["requirements.txt"] += "pytest\n";
  files[".github/workflows/ci.yml"] =
      "on: push\njobs:\n  test:\n    env: {DB_HOST: localhost}\n    steps:\n"
      "      - run: pytest\n";
  const auto made = init(files);
  EXPECT_TRUE(preprod(made).checks.empty()) << made.yaml;
  EXPECT_NE(gaps_text(made.proposal).find("needs a service"), std::string::npos);
}

TEST(Proposal, TakesAPortOnlyWhereTheNumberIsOne) {
  const std::string package =
      R"({"scripts": {"start": "node s.js"}, "dependencies": {"express": "5"}})";
  const auto server = [](const std::string& port) {
    return "const express = require('express');\nconst app = express();\napp.listen(" + port +
           ");\n";
  };
  EXPECT_EQ(
      init({{"package.json", package}, {"s.js", server("3000")}}).proposal.parts.at(0).port->value,
      "3000");
  for (const auto* port : {"0", "0000", "70000", "3e3"})
    EXPECT_FALSE(
        init({{"package.json", package}, {"s.js", server(port)}}).proposal.parts.at(0).port)
        << port;
}

const Files kFastapi = {
    {"requirements.txt", "fastapi[standard]\npydantic-settings\nsqlalchemy\nasyncpg\n"},
    {"app/__init__.py", ""},
    {"app/main.py", "from fastapi import FastAPI\napp = FastAPI()\n"},
    {"app/db.py", "engine = create_async_engine(settings.database_url)\n"},
    {"app/config.py",
     "from pydantic_settings import BaseSettings\nclass Settings(BaseSettings):\n"
     "  database_url: str\n  secret_key: str\n  cors_origins: list[str]\n"
     "  allowed_hosts: list[str] = ['*']\n  algorithm: str\n  region: str\n"},
    {".env.example", "ALGORITHM=HS256\n"}};

TEST(Init, ReadsTheVariablesOfPydanticsSettings) {
  const auto made = init(kFastapi);
  const auto& environment = preprod(made);
  EXPECT_EQ(web(made).command, "uvicorn app.main:app --host 0.0.0.0 --port $PORT");
  EXPECT_EQ(environment.secrets, std::vector<std::string>{"SECRET_KEY"});
  EXPECT_EQ(std::get<std::string>(environment.env.at("CORS_ORIGINS")),
            "[\"http://my-shop-v2.localhost\", \"http://preprod.my-shop-v2.localhost\"]");
  EXPECT_EQ(std::get<std::string>(environment.env.at("ALGORITHM")), "HS256");
  EXPECT_FALSE(environment.env.contains("ALLOWED_HOSTS"));
  ASSERT_EQ(made.proposal.asks.size(), 1U);
  EXPECT_EQ(made.proposal.asks[0].what, "REGION");
  EXPECT_TRUE(made.proposal.gaps.empty());
}

/// "" where the address is to name none.
std::string driver_of(const Files& files) {
  const auto made = init(files);
  EXPECT_EQ(preprod(made).services.size(), 1U) << made.yaml;
  return preprod(made).services.at(0).driver;
}

TEST(Init, NamesTheDriverThatSqlalchemyMustBeTold) {
  EXPECT_EQ(driver_of(kFastapi), "asyncpg");
  auto files = kFastapi;
  files["app/db.py"] = "engine = create_engine(settings.database_url)\n";
  files["requirements.txt"] = "fastapi\nuvicorn\nsqlalchemy\npsycopg[binary]\n";
  EXPECT_EQ(driver_of(files), "psycopg");
  files["requirements.txt"] += "psycopg2-binary\n";
  EXPECT_EQ(driver_of(files), "");
  files[".env.example"] = "DATABASE_URL=postgresql+pg8000://u:p@db/shop\n";
  EXPECT_EQ(driver_of(files), "pg8000");
}

TEST(Init, NamesPsycopg2WhereSqlalchemyMayBeOneThatTakesPsycopg) {
  auto files = kFastapi;
  files["app/db.py"] = "engine = create_engine(settings.database_url)\n";
  const auto with = [&](const std::string& sqlalchemy) {
    files["requirements.txt"] = "fastapi\nuvicorn\npsycopg2-binary\n" + sqlalchemy + "\n";
    return driver_of(files);
  };
  EXPECT_EQ(with("sqlmodel"), "psycopg2");
  EXPECT_EQ(with("sqlalchemy>=2.0"), "psycopg2");
  for (const auto* held : {"sqlalchemy==2.0.38", "sqlalchemy>=1.4,<2", "sqlalchemy~=1.4"})
    EXPECT_EQ(with(held), "") << held;
  files["app/db.py"] += "psycopg2.connect(settings.database_url)\n";
  EXPECT_EQ(with("sqlalchemy"), "");
}

TEST(Init, SaysNothingOfTheDriverWhereTheCodeNamesIt) {
  auto files = kFastapi;
  files["app/db.py"] =
      "engine = create_async_engine(settings.database_url.replace('postgresql://', "
      "'postgresql+asyncpg://'))\n";
  EXPECT_EQ(driver_of(files), "");
  files["app/db.py"] = "URL = f'postgresql+asyncpg://{USER}@db'\ncreate_async_engine(URL)\n";
  EXPECT_EQ(driver_of(files), "");
  EXPECT_EQ(driver_of(kDjango), "");
}

TEST(Init, StartsAlembicWhereItFindsTheAppsModules) {
  auto files = kFastapi;
  files["alembic.ini"] = "[alembic]\nscript_location = migrations\n";
  files["migrations/versions/1_first.py"] = "revision = '1'\n";
  EXPECT_EQ(preprod(init(files)).release.at(0).run, "python -m alembic upgrade head");
  files["alembic.ini"] += "prepend_sys_path = .\n";
  EXPECT_EQ(preprod(init(files)).release.at(0).run, "alembic upgrade head");
}

TEST(Init, AsksForAnAddressUnderANameThatNoServiceGives) {
  auto files = kFastapi;
  files["app/config.py"] += "  main_dsn: str\n";
  const auto made = init(files);
  ASSERT_EQ(made.proposal.asks.size(), 2U);
  EXPECT_EQ(made.proposal.asks[1].what, "MAIN_DSN");
}

std::map<std::string, std::string> volumes_of(const Files& files) {
  return preprod(init(files)).volumes;
}

using Volumes = std::map<std::string, std::string>;

TEST(Init, GivesAVolumeToAFolderThatTheCodeWritesTo) {
  auto files = kFastapi;
  files["app/main.py"] +=
      "import logging, os\nHERE = os.path.dirname(os.path.abspath(__file__))\n"
      "TOP = os.path.dirname(HERE)\ndef create_app():\n  app.config['FILES'] = os.path.join(TOP, "
      "'uploads')\n  os.makedirs(app.config['FILES'], exist_ok=True)\n"
      "LOGS = HERE + '/x'\nlogging.FileHandler(os.path.join(HERE, 'logs', 'app.log'))\n";
  EXPECT_EQ(volumes_of(files), (Volumes{{"uploads", "/app/uploads"}, {"logs", "/app/app/logs"}}));
}

TEST(Init, GivesDjangosLogFilesAVolume) {
  auto files = kDjango;
  files["shop/settings.py"] +=
      "BASE_DIR = Path(__file__).resolve().parent.parent\nLOGS = BASE_DIR / 'var' / 'logs'\n"
      "LOGGING = {'handlers': {'file': {'class': 'logging.handlers.RotatingFileHandler', "
      "'filename': LOGS / 'site.log'}, 'here': {'class': 'logging.FileHandler', 'filename': "
      "BASE_DIR / 'site.log'}}}\n";
  const auto made = init(files);
  EXPECT_EQ(preprod(made).volumes, (Volumes{{"logs", "/app/var/logs"}, {"media", "/app/media"}}));
  ASSERT_EQ(made.proposal.gaps.size(), 1U);
  EXPECT_NE(made.proposal.gaps[0].what.find("site.log"), std::string::npos);
}

TEST(Init, HidesNoCommittedFilesBehindAVolumeAndGuessesNoFolder) {
  auto files = kFastapi;
  files["models/trained.bin"] = "x";
  files["logs/.gitkeep"] = "";
  files["app/main.py"] +=
      "import os, pathlib\nos.makedirs('models', exist_ok=True)\n"
      "pathlib.Path('logs').mkdir()\nos.makedirs(settings.folder)\nos.makedirs('/var/shop')\n"
      "os.makedirs(f'out/{name}')\nos.makedirs('../outside')\n"
      "if __name__ == '__main__':\n  os.makedirs('scratch')\n";
  EXPECT_EQ(volumes_of(files), (Volumes{{"logs", "/app/logs"}}));
}

// Forty names, each of which stands for forty, seven times over: nobody's path, and never read to
// its end.
TEST(Init, GivesUpOnAPathWhoseNamesStandForMany) {
  auto files = kFastapi;
  auto& text = files["app/main.py"];
  text += "import os\nx0 = 'logs'\n";
  for (int level = 1; level <= 7; ++level) {
    text += "x" + std::to_string(level) + " = [";
    for (int n = 0; n < 40; ++n) text += "x" + std::to_string(level - 1) + ",";
    text += "]\n";
  }
  text += "os.makedirs(x7)\n";
  EXPECT_EQ(volumes_of(files), Volumes{});
}

TEST(Init, StartsAPackageThatImportsItselfFromAboveIt) {
  const auto made =
      init({{"shop/__init__.py",
             "from flask import Flask\ndef create_app():\n  app = Flask('x')\n  return app\n"},
            {"shop/run.py", "from shop import create_app\napp = create_app()\n"},
            {"shop/requirements.txt", "flask\ngunicorn\n"},
            {"Dockerfile",
             "FROM python:3.12\nRUN pip install -r ./shop/requirements.txt\n"
             "CMD [\"flask\", \"run\", \"--debug\"]\n"}});
  EXPECT_EQ(web(made).root, "");
  EXPECT_EQ(web(made).command, "gunicorn shop.run:app --bind 0.0.0.0:$PORT");
  EXPECT_EQ(preprod(made).build.source, "shop/requirements.txt");
}

TEST(Init, SaysThatNoVariableChangesWhereTheDatabaseIs) {
  auto files = kDjango;
  const std::string engine = "DATABASES = {'default': {'ENGINE': 'postgresql', 'HOST': ";
  files["shop/settings.py"] = engine + "'shopdb'}}\n";
  const auto said = gaps_text(init(files).proposal);
  EXPECT_NE(said.find("where the database is (shopdb)"), std::string::npos) << said;
  files["shop/settings.py"] = engine + "os.environ['DB_HOST']}}\n";
  EXPECT_EQ(gaps_text(init(files).proposal).find("where the database is"), std::string::npos);
}

/// An Express server by its package.json's scripts; "" where nothing is proposed.
std::string node_start(const std::string& scripts, const std::string& more = "",
                       const Files& files = {
                           {"server.js", ""}, {"bin/www", ""}, {"src/app.ts", ""}}) {
  auto all = files;
  all["package.json"] =
      R"({"scripts": {)" + scripts + R"(}, "dependencies": {"express": "4"})" + more + "}";
  const auto made = proposal_of(all);
  return made.parts.empty() ? "" : made.parts[0].command.value;
}

TEST(Init, StartsWhatANodeScriptStarts) {
  EXPECT_EQ(node_start(R"("start": "node ./bin/www")"), "node ./bin/www");
  EXPECT_EQ(node_start(R"("start": "node -r dotenv/config server.js")"),
            "node -r dotenv/config server.js");
  EXPECT_EQ(node_start(R"("start": "cross-env NODE_ENV=production node server.js")"),
            "node server.js");
  EXPECT_EQ(node_start(R"("start": "npm run migrate && node server.js", "migrate": "knex up")"),
            "node server.js");
  EXPECT_EQ(node_start(R"("start": "npm run prod", "prod": "node server.js --all")"),
            "node server.js --all");
  EXPECT_EQ(node_start(R"("start": "ts-node src/app.ts")"), "ts-node src/app.ts");
}

TEST(Init, TakesTheServerThatScriptsForDevelopmentWatch) {
  EXPECT_EQ(node_start(R"("start": "nodemon server.js")"), "node server.js");
  EXPECT_EQ(node_start(R"("start": "concurrently \"npm run server\"", "server": "nodemon server")"),
            "node server.js");
  EXPECT_EQ(node_start(R"("start": "nodemon ./bin/www --ignore client/")"), "node bin/www");
  EXPECT_EQ(node_start(R"("dev": "nodemon --exec ts-node src/app.ts")"), "ts-node src/app.ts");
  EXPECT_EQ(node_start(R"("dev": "nodemon")", R"(, "main": "server.js")"), "node server.js");
}

TEST(Init, StartsWhatMainNamesWhereAServerIsDeclared) {
  EXPECT_EQ(node_start(R"("test": "jest")", R"(, "main": "server.js")"), "node server.js");
  EXPECT_EQ(node_start(R"("test": "jest")", R"(, "main": "gone.js")", {{"gone.css", ""}}), "");
  EXPECT_TRUE(
      proposal_of({{"package.json", R"({"main": "server.js"})"}, {"server.js", ""}}).parts.empty());
}

std::string node_port(const std::string& server) {
  const auto made = proposal_of(
      {{"package.json", R"({"scripts": {"start": "node s.js"}, "dependencies": {"express": "5"}})"},
       {"s.js", server}});
  return made.parts.at(0).port ? made.parts.at(0).port->value : "";
}

TEST(Init, FollowsThePortToTheNumberThatStandsForIt) {
  EXPECT_EQ(node_port("const port = 3000;\napp.listen(port, () => {});\n"), "3000");
  EXPECT_EQ(node_port("const p = process.env.API_PORT || 4100;\napp.listen(p);\n"), "4100");
  EXPECT_EQ(node_port("app.listen(process.env.API_PORT || 4200);\n"), "4200");
  EXPECT_EQ(node_port("const p = process.env.PORT || 4300;\napp.listen(p);\n"), "");
}

TEST(Init, TakesThePortThatIsChosenInProduction) {
  const auto port = [](const std::string& choice) {
    return node_port("const p = process.env.NODE_ENV " + choice + ";\napp.listen(p);\n");
  };
  EXPECT_EQ(port("!== 'test' ? 4000 : 4001"), "4000");
  EXPECT_EQ(port("=== 'production' ? 4000 : 4001"), "4000");
  EXPECT_EQ(port("=== 'test' ? 4001 : 4000"), "4000");
  EXPECT_EQ(port("=== x ? 4001 : 4000"), "");
}

const std::string kExpressPackage =
    R"({"scripts": {"start": "node s.js"}, "dependencies": {"express": "5"}})";

TEST(Init, BelievesTheProgramThatIsStartedMoreThanAnotherFileThatReadsPort) {
  const auto made = proposal_of({{"package.json", kExpressPackage},
                                 {"config.js", "module.exports = {port: process.env.PORT};\n"},
                                 {"s.js", "const PORT = 4000;\napp.listen(PORT);\n"}});
  ASSERT_TRUE(made.parts.at(0).port);
  EXPECT_EQ(made.parts.at(0).port->value, "4000");
}

TEST(Init, FindsThePortThatTheSettingsKeepUnderAnotherName) {
  const auto made = proposal_of(
      {{"package.json", kExpressPackage},
       {"env.js",
        "const s = z.object({API_PORT: z.number().default(4500)});\ns.parse(process.env);\n"},
       {"s.js", "app.listen(env.API_PORT);\n"}});
  ASSERT_TRUE(made.parts.at(0).port);
  EXPECT_EQ(made.parts.at(0).port->value, "4500");
}

std::string port_by_settings(const std::string& settings, const std::string& name) {
  const auto made = proposal_of({{"package.json", kExpressPackage},
                                 {"config.js", settings},
                                 {"s.js", "app.listen(" + name + ");\n"}});
  return made.parts.at(0).port ? made.parts.at(0).port->value : "";
}

TEST(Init, FindsThePortInTheSettingsThatTheServerIsGiven) {
  EXPECT_EQ(port_by_settings("export const config = {apiPort: 4700};\n", "config.apiPort"), "4700");
  EXPECT_EQ(port_by_settings("module.exports = {server: {port: 4800}, db: {port: 5432}};\n",
                             "settings.server.port"),
            "4800");
  EXPECT_EQ(port_by_settings("export default {port: 4900};\n", "Number(config.port)"), "4900");
  EXPECT_EQ(port_by_settings("module.exports = {port: process.env.PORT || 3000};\n", "c.port"), "");
  EXPECT_EQ(port_by_settings("module.exports = {a: {port: 1}, b: {port: 2}};\n", "x.y.port"), "");
}

TEST(Init, TakesThePortOfOptionsAndOfAnExpressSetting) {
  EXPECT_EQ(node_port("server.listen({port: 5100, host: '0.0.0.0'});\n"), "5100");
  EXPECT_EQ(node_port("app.set('port', 5200);\nserver.listen(app.get('port'));\n"), "5200");
}

TEST(Init, GivesThePortToAVariableOfAnotherNameThatHasNone) {
  const auto made = proposal_of({{"package.json", kExpressPackage},
                                 {".env.example", "API_PORT=5300\n"},
                                 {"s.js", "app.listen(process.env.API_PORT);\n"}});
  EXPECT_EQ(made.parts.at(0).port->value, "5300");
  EXPECT_EQ(made.env.at("API_PORT").value, "5300");
  EXPECT_EQ(node_port("app.listen(process.env.SHOP_PORT);\n"), "8000");
}

TEST(Init, AsksForWhatAModuleEndsWithout) {
  const auto made = proposal_of(
      {{"package.json", kExpressPackage},
       {"s.js",
        "if (!process.env.REGION) throw new Error('REGION');\nconst zone = process.env.ZONE;\n"
        "if (!zone) process.exit(1);\nif (!process.env.SPARE) console.log('none');\n"}});
  std::vector<std::string> asked;
  for (const auto& each : made.asks) asked.push_back(each.what);
  EXPECT_EQ(asked, (std::vector<std::string>{"REGION", "ZONE"}));
}

TEST(Init, GeneratesNoSecretForAnExpiryOfTokens) {
  const auto made = proposal_of({{"package.json", kExpressPackage},
                                 {"s.js",
                                  "const s = z.object({TOKEN_SECRET: z.string(), TOKEN_EXPIRY: "
                                  "z.string()});\ns.parse(process.env);\n"}});
  ASSERT_EQ(made.secrets.size(), 1U);
  EXPECT_EQ(made.secrets[0].value, "TOKEN_SECRET");
  ASSERT_EQ(made.asks.size(), 1U);
  EXPECT_EQ(made.asks[0].what, "TOKEN_EXPIRY");
}

TEST(Init, TakesThePortThatNpmWouldMakeAVariableOf) {
  const auto made = proposal_of({{"package.json", R"({"scripts": {"start": "./bin/shop"},
      "config": {"port": 4600}, "dependencies": {"express": "5"}})"},
                                 {"bin/shop", "#!/usr/bin/env node\n"}});
  ASSERT_TRUE(made.parts.at(0).port);
  EXPECT_EQ(made.parts.at(0).port->value, "4600");
}

/// The jobs of a Node app that has this in its package.json besides, and these files.
std::vector<std::string> node_jobs(const std::string& rest, Files files) {
  files["package.json"] = R"({"dependencies": {"express": "5", "pg": "8"}, )" + rest + "}";
  files["server.js"] = "app.listen(process.env.PORT);\n";
  const auto made = init(files);
  std::vector<std::string> jobs;
  for (const auto& job : preprod(made).release) jobs.push_back(job.run);
  return jobs;
}

using Jobs = std::vector<std::string>;

TEST(Init, MigratesANodeAppAsItsOwnScriptDoes) {
  const auto jobs = [](const std::string& script, const std::string& package) {
    return node_jobs(R"("scripts": {"migrate": ")" + script + R"(", "test:migrate": "knex x"},
        "devDependencies": {")" +
                         package + R"(": "1"})",
                     {});
  };
  EXPECT_EQ(jobs("NODE_ENV=production npx sequelize db:migrate && npx sequelize db:seed:all",
                 "sequelize-cli"),
            Jobs{"sequelize db:migrate"});
  EXPECT_EQ(jobs("typeorm migration:run -d dist/data.js", "typeorm"),
            Jobs{"typeorm migration:run -d dist/data.js"});
  EXPECT_EQ(jobs("cross-env A=b prisma migrate deploy", "prisma"), Jobs{"prisma migrate deploy"});
  EXPECT_EQ(jobs("sequelize db:migrate:undo", "sequelize-cli"), Jobs{});
}

TEST(Init, MigratesANodeAppByTheFilesOfItsTool) {
  EXPECT_EQ(node_jobs(R"("devDependencies": {"sequelize": "6", "sequelize-cli": "6"})",
                      {{".sequelizerc", ""}}),
            Jobs{"sequelize-cli db:migrate"});
  EXPECT_EQ(node_jobs(R"("devDependencies": {"knex": "3"})", {{"src/knexfile.js", ""}}),
            Jobs{"knex migrate:latest --knexfile src/knexfile.js"});
  EXPECT_EQ(node_jobs(R"("devDependencies": {"drizzle-kit": "1"})",
                      {{"drizzle.config.ts", ""}, {"drizzle/meta/_journal.json", "{}"}}),
            Jobs{"drizzle-kit migrate"});
  EXPECT_EQ(node_jobs(R"("devDependencies": {"prisma": "5"})",
                      {{"prisma/migrations/1/migration.sql", ""}}),
            Jobs{"prisma migrate deploy"});
}

TEST(Init, BringsTheToolOfAJobThatIsDeclaredForDevelopmentAlone) {
  const auto made = init({{"package.json", R"({"dependencies": {"express": "5", "pg": "8",
      "knex": "3"}, "devDependencies": {"sequelize-cli": "6", "sequelize": "6"}})"},
                          {".sequelizerc", ""},
                          {"server.js", "app.listen(process.env.PORT);\n"}});
  EXPECT_EQ(preprod(made).build.run, Jobs{"test -d node_modules/sequelize-cli"});
}

TEST(Init, GivesAJobThePortThatDotenvSafeDemandsOfAll) {
  const auto made = init({{"package.json", R"({"dependencies": {"express": "5", "pg": "8",
      "dotenv-safe": "9", "sequelize": "6", "sequelize-cli": "6"}})"},
                          {".sequelizerc", ""},
                          {".env.example", "PORT=\nDB_HOST=\nMAIL_FROM=\n"},
                          {"server.js", "require('dotenv-safe').config();\nlisten();\n"}});
  EXPECT_EQ(preprod(made).release.at(0).run, "env PORT=8000 sequelize-cli db:migrate");
  ASSERT_EQ(made.proposal.asks.size(), 1U);
  EXPECT_EQ(made.proposal.asks[0].what, "MAIL_FROM");
}

TEST(Init, MigratesNoDatabaseThatIsNotStarted) {
  const auto made = proposal_of({{"package.json", R"({"dependencies": {"express": "5",
      "mysql2": "3", "knex": "3"}})"},
                                 {"knexfile.js", ""},
                                 {"server.js", "app.listen(process.env.PORT);\n"}});
  EXPECT_TRUE(made.release.empty());
}

TEST(Init, SaysThatAddressesOfAPagesRouterAreNoFiles) {
  const auto pages = [](const std::string& package) {
    return gaps_text(proposal_of({{"package.json", R"({"scripts": {"build": "vite build"},
        "dependencies": {")" + package + R"(": "6"}, "devDependencies": {"vite": "5"}})"}}));
  };
  EXPECT_NE(pages("react-router-dom").find("answered 404"), std::string::npos);
  EXPECT_EQ(pages("react").find("answered 404"), std::string::npos);
}

TEST(Init, StartsAProgramWhereItsImportsAreFound) {
  const auto made = init(
      {{"requirements.txt", "fastapi\nuvicorn\n"},
       {"src/main.py", "from fastapi import FastAPI\nfrom routers import tasks\napp = FastAPI()\n"},
       {"src/routers/tasks.py", ""}});
  EXPECT_EQ(web(made).command, "uvicorn main:app --host 0.0.0.0 --port $PORT");
  EXPECT_EQ(web(made).root, "src");
  EXPECT_EQ(preprod(made).build.source, "requirements.txt");
}

TEST(Init, FindsTheModuleThatAnImageStartsInAnotherFolder) {
  const auto made = init({{"requirements.txt", "fastapi\nuvicorn\n"},
                          {"service/main.py", "from fastapi import FastAPI\napp = FastAPI()\n"},
                          {"Dockerfile",
                           "FROM python:3.11\nWORKDIR /app\nCOPY service .\n"
                           "CMD [\"uvicorn\", \"main:app\", \"--workers\", \"2\"]\n"}});
  EXPECT_EQ(web(made).command, "uvicorn main:app --workers 2 --host 0.0.0.0 --port $PORT");
  EXPECT_EQ(web(made).root, "service");
}

TEST(Init, BuildsAtTheTopWhatIsStartedInAFolderWithoutAManifest) {
  auto files = kDjango;
  Files moved;
  for (const auto& [path, text] : files)
    moved[path == "requirements.txt" ? path : "site/" + path] = text;
  const auto made = init(moved);
  EXPECT_EQ(web(made).root, "site");
  EXPECT_EQ(web(made).command, "gunicorn shop.wsgi --bind 0.0.0.0:$PORT");
  EXPECT_EQ(preprod(made).release.at(0).run,
            "sh -c 'cd site && exec python manage.py migrate --noinput'");
  EXPECT_EQ(preprod(made).volumes.at("media"), "/app/site/media");
}

TEST(Init, StartsADjangoProjectThatImportsItselfFromAboveIt) {
  const std::string settings =
      "import os\nos.environ.setdefault('DJANGO_SETTINGS_MODULE', 'app.shop.settings')\n";
  const auto made = init({{"requirements.txt", "django\ngunicorn\n"},
                          {"app/__init__.py", ""},
                          {"app/manage.py", settings},
                          {"app/shop/wsgi.py", settings},
                          {"app/shop/settings.py", "DEBUG = False\n"}});
  EXPECT_EQ(web(made).root, "");
  EXPECT_EQ(web(made).command, "gunicorn app.shop.wsgi --bind 0.0.0.0:$PORT");
  EXPECT_EQ(preprod(made).release.at(0).run, "python -m app.manage migrate --noinput");
}

TEST(Init, ReadsTheScriptThatAComposeFileStarts) {
  const auto made =
      init({{"requirements.txt", "flask\ngunicorn\n"},
            {"shop/web.py", "from flask import Flask\nsite = Flask(__name__)\n"},
            {"docker/start.sh", "#!/bin/sh\ngunicorn shop.web:site --workers 3\n"},
            {"compose.yml", "services:\n  web:\n    build: .\n    command: [/docker/start.sh]\n"}});
  EXPECT_EQ(web(made).command, "gunicorn shop.web:site --workers 3 --bind 0.0.0.0:$PORT");
}

Files gunicorn_with(const std::string& settings) {
  return {{"requirements.txt", "flask\ngunicorn\n"},
          {"web.py", "from flask import Flask\nsite = Flask(__name__)\n"},
          {"Dockerfile", "FROM python:3.12\nCOPY conf/gunicorn.py ./\nCMD gunicorn web:site -c " +
                             settings + "\n"}};
}

TEST(Init, FindsGunicornsSettingsWhereTheRepositoryKeepsThem) {
  auto files = gunicorn_with("gunicorn.py");
  files["conf/gunicorn.py"] = "workers = 2\n";
  EXPECT_EQ(web(init(files)).command, "gunicorn web:site -c conf/gunicorn.py --bind 0.0.0.0:$PORT");
}

TEST(Init, LeavesGunicornsSettingsOutWhereTheRepositoryHasNone) {
  EXPECT_EQ(web(init(gunicorn_with("/etc/g.py"))).command,
            "gunicorn web:site --bind 0.0.0.0:$PORT");
}

TEST(Init, InstallsWhatAPipfileNames) {
  const auto made = proposal_of({{"Pipfile",
                                  "[packages]\nflask = \"*\"\ngunicorn = \">=21,<24\"\n"
                                  "bad = \"1 --index-url x\"\n[dev-packages]\npytest = \"*\"\n"
                                  "[requires]\npython_version = \"3.9\"\n"},
                                 {"app.py", "from flask import Flask\napp = Flask(__name__)\n"}});
  const auto text = files_beside(made).at("requirements-ecluse.txt");
  EXPECT_NE(text.find("\nflask\ngunicorn>=21,<24\n"), std::string::npos) << text;
  EXPECT_EQ(text.find("pytest"), std::string::npos);
  EXPECT_EQ(text.find("bad"), std::string::npos);
  ASSERT_TRUE(made.parts.at(0).build.prefer);
  EXPECT_EQ(made.parts.at(0).build.prefer->value, "3.9");
}

TEST(Init, InstallsTheServerThatALockedProjectDoesNotDeclare) {
  const auto run_of = [](const std::string& image) {
    return init({{"uv.lock", ""},
                 {"pyproject.toml", "[project]\nname = \"shop\"\ndependencies = [\"fastapi\"]\n"},
                 {"main.py", "from fastapi import FastAPI\napp = FastAPI()\n"},
                 {"Dockerfile", "FROM python:3.11\n" + image + "CMD uvicorn main:app\n"}})
        .spec.environments.at(0)
        .build.run;
  };
  EXPECT_EQ(run_of(""), std::vector<std::string>{"pip install --no-compile uvicorn"});
  EXPECT_EQ(run_of("RUN pip install \"uvicorn[standard]\"\n"),
            std::vector<std::string>{"pip install --no-compile 'uvicorn[standard]'"});
}

TEST(Init, KeepsTheCallOfAFactoryInAnExecForm) {
  const auto made = init({{"requirements.txt", "flask\ngunicorn\n"},
                          {"shop/__init__.py",
                           "from flask import Flask\ndef create_app():\n  app = Flask(__name__)\n"},
                          {"Dockerfile",
                           "FROM python:3.11\nCMD [\"gunicorn\", \"-w\", \"3\", "
                           "\"shop:create_app()\", \"-b :5000\"]\n"}});
  EXPECT_EQ(web(made).command, "gunicorn -w 3 'shop:create_app()' --bind 0.0.0.0:$PORT");
}

TEST(Init, TakesTheObjectThatAFactoryOfAnyNameMakes) {
  const auto made =
      init({{"requirements.txt", "flask\n"},
            {"shop/site.py",
             "from flask import Flask\ndef create_shop(config):\n  app = Flask(__name__)\n"},
            {"server.py",
             "from flask import Flask\nfrom shop.site import create_shop\n"
             "app: Flask = create_shop(1)\n"}});
  EXPECT_EQ(web(made).command, "gunicorn server:app --bind 0.0.0.0:$PORT");
}

TEST(Init, CallsTheFactoryThatCallsTheOther) {
  const auto made = init({{"requirements.txt", "flask\n"},
                          {"app.py",
                           "from flask import Flask\ndef bare():\n  app = Flask(__name__)\n"
                           "  return app\ndef create_app():\n  app = bare()\n  return app\n"}});
  EXPECT_EQ(web(made).command, "gunicorn 'app:create_app()' --bind 0.0.0.0:$PORT");
}

TEST(Init, TakesAPythonPathThatIsTheWorkdirForTheTop) {
  const auto env = [](const std::string& path) {
    return init({{"requirements.txt", "fastapi\nuvicorn\n"},
                 {"app/main.py", "from fastapi import FastAPI\napp = FastAPI()\n"},
                 {"app/lib/x.py", ""},
                 {"lib/x.py", ""},
                 {"Dockerfile", "FROM python:3.11\nWORKDIR /app/\nENV PYTHONPATH=" + path +
                                    "\nCMD uvicorn app.main:app\n"}})
        .proposal.env;
  };
  EXPECT_FALSE(env("/app").contains("PYTHONPATH"));
  EXPECT_EQ(env("/app:/app/lib").at("PYTHONPATH").value, "/app/lib");
}

TEST(Init, ReadsAManualUnderAnyCase) {
  const auto made = init({{"requirements.txt", "streamlit\n"},
                          {"app.py", "import streamlit as st\n"},
                          {"readme.MD", "    streamlit run app.py\n"}});
  EXPECT_TRUE(web(made).command.starts_with("streamlit run app.py")) << made.yaml;
}

TEST(Init, StartsWhatTheBuildMakesOfASource) {
  const auto made =
      init({{"package.json", R"({"scripts": {"build": "tsc", "start": "run-p start:**",
      "start:run": "nodemon dist/index.js"}, "dependencies": {"express": "5"}})"},
            {"src/index.ts", "app.listen(process.env.PORT);\n"}});
  EXPECT_EQ(web(made).command, "node dist/index.js");
}

TEST(Init, KeepsTheSqliteFileOfAFileAddress) {
  const auto made = init(
      {{"package.json", R"({"scripts": {"start": "next start"}, "dependencies": {"next": "15"}})"},
       {"src/db.ts",
        "import {createClient} from '@libsql/client';\n"
        "export const c = createClient({url: 'file:shop.db'});\n"}});
  EXPECT_EQ(preprod(made).volumes.at("data"), "/app/data") << made.yaml;
}

TEST(Init, InstallsAServerThatIsDeclaredForDevelopmentAlone) {
  const auto made = init({{"uv.lock", ""},
                          {"pyproject.toml",
                           "[project]\nname = \"shop\"\ndependencies = [\"fastapi\"]\n"
                           "[dependency-groups]\ndev = [\"uvicorn\"]\n"},
                          {"main.py", "from fastapi import FastAPI\napp = FastAPI()\n"}});
  EXPECT_EQ(preprod(made).build.run, std::vector<std::string>{"pip install --no-compile uvicorn"});
}

TEST(Init, JoinsTheWordsOfAStaticFolder) {
  auto files = kDjango;
  files["requirements.txt"] = "django\ngunicorn\n";
  files["shop/settings.py"] =
      "ALLOWED_HOSTS = ['*']\nSTATIC_ROOT = os.path.join(BASE_DIR, 'shop', 'static_root')\n"
      "MEDIA_ROOT = os.path.join(BASE_DIR, '..', 'media')\n";
  const auto made = init(files);
  EXPECT_EQ(web(made).static_paths.at("/static"), "shop/static_root");
  EXPECT_EQ(preprod(made).volumes.at("media"), "/app/media");
}

TEST(Init, AsksAtTheTopOnlyWhereTheProjectTakesAListOfAddressesInThere) {
  const auto ready = [](const std::string& prefix) {
    auto files = kDjango;
    files["shop/urls.py"] = "urlpatterns = [path('" + prefix + "', include('posts.urls'))]\n";
    files["posts/urls.py"] = "urlpatterns = [path('', views.index)]\n";
    const auto made = init(files);
    return web(made).ready ? web(made).ready->path : "";
  };
  EXPECT_EQ(ready(""), "/");
  EXPECT_EQ(ready("api/"), "");
}

TEST(Init, FindsThePythonPathBehindTheNameThatAnImageGivesAFolder) {
  const auto made = init({{"requirements.txt", "streamlit\n"},
                          {"pages/Home.py", "import streamlit as st\nimport helpers\n"},
                          {"shared/helpers.py", ""},
                          {"Dockerfile",
                           "FROM python:3.12\nCOPY shared /app/lib\nCOPY pages/ /app\n"
                           "ENV PYTHONPATH=/app/lib\nCMD streamlit run Home.py\n"}});
  EXPECT_EQ(web(made).root, "pages");
  EXPECT_EQ(preprod(made).build.kind, model::BuildKind::kPython);
  EXPECT_EQ(std::get<std::string>(preprod(made).env.at("PYTHONPATH")), "/app/shared");
}

TEST(Init, KeepsThePythonPathOfAnImage) {
  const auto made = init({{"requirements.txt", "fastapi\nuvicorn\n"},
                          {"todos/app/main.py", "from fastapi import FastAPI\napp = FastAPI()\n"},
                          {"Dockerfile",
                           "FROM python:3.11\nENV PYTHONPATH=/code/todos\n"
                           "CMD [\"uvicorn\", \"app.main:app\"]\n"}});
  EXPECT_EQ(web(made).command, "uvicorn app.main:app --host 0.0.0.0 --port $PORT");
  EXPECT_EQ(web(made).root, "");
  EXPECT_EQ(std::get<std::string>(preprod(made).env.at("PYTHONPATH")), "/app/todos");
}

const Files kTwoApps = {
    {"requirements.txt", "flask\ngunicorn\n"},
    {"app.py", "from flask import Flask\napp = Flask('demo')\n"},
    {"shop/__init__.py",
     "from flask import Flask\ndef create_app():\n  app = Flask('shop')\n  return app\n"},
    {"serve.py",
     "from shop import create_app\nif __name__ == '__main__':\n  create_app().run()\n"}};

TEST(Init, BelievesTheFileThatIsStartedMoreThanAName) {
  EXPECT_EQ(web(init(kTwoApps)).command, "gunicorn app:app --bind 0.0.0.0:$PORT");
  auto files = kTwoApps;
  files["Dockerfile"] = "FROM python:3.11\nCMD [\"python\", \"serve.py\"]\n";
  EXPECT_EQ(web(init(files)).command, "gunicorn 'shop:create_app()' --bind 0.0.0.0:$PORT");
  files["Dockerfile"] = "FROM python:3.11\nENV FLASK_APP=shop\nCMD [\"flask\", \"run\"]\n";
  EXPECT_EQ(web(init(files)).command, "gunicorn 'shop:create_app()' --bind 0.0.0.0:$PORT");
}

TEST(Init, FollowsAProgramToTheAppThatItHandsToUvicorn) {
  const auto made =
      init({{"requirements.txt", "fastapi\nuvicorn\n"},
            {"src/__init__.py", ""},
            {"src/demo.py", "from fastapi import FastAPI\napp = FastAPI()\n"},
            {"src/web/api.py", "from fastapi import FastAPI\napi = FastAPI()\n"},
            {"src/main.py", "import uvicorn\nuvicorn.run(app='src.web.api:api', reload=True)\n"},
            {"Dockerfile", "FROM python:3.11\nCMD [\"python\", \"-m\", \"src.main\"]\n"}});
  EXPECT_EQ(web(made).command, "uvicorn src.web.api:api --host 0.0.0.0 --port $PORT");
}

TEST(Init, EndsWithAProgramThatHandsItselfToUvicorn) {
  const auto made = init({{"requirements.txt", "fastapi\nuvicorn\n"},
                          {"main.py",
                           "import uvicorn\nfrom fastapi import FastAPI\napp = FastAPI()\n"
                           "if __name__ == '__main__':\n  uvicorn.run('main:app', port=8000)\n"},
                          {"Dockerfile", "FROM python:3.11\nCMD [\"python\", \"main.py\"]\n"}});
  EXPECT_EQ(web(made).command, "uvicorn main:app --host 0.0.0.0 --port $PORT");
}

TEST(Init, SaysWhatToDoInWordsThatCanBeCopied) {
  auto files = kDjango;
  files["shop/settings.py"] = "DEBUG = False\n";
  EXPECT_NE(gaps_text(proposal_of(files)).find("set STATIC_ROOT = BASE_DIR / \"staticfiles\"\n"),
            std::string::npos);
}

TEST(Init, StartsNoProgramThatLiesOutsideOfItsPart) {
  const auto made = proposal_of({{"s.js", "require('express')().listen(80)\n"},
                                 {"long/backend/package.json",
                                  R"({"main": "../../s.js", "dependencies": {"express": "4"}})"}});
  EXPECT_TRUE(made.parts.empty());
}

TEST(Init, StartsAFactoryInTheFolderOfItsImports) {
  const auto made =
      init({{"backend/requirements.txt", "flask\ngunicorn\n"},
            {"backend/src/routes/__init__.py", ""},
            {"backend/src/main.py",
             "from routes import pages\nfrom flask import Flask\ndef create_app():\n  app = "
             "Flask('shop')\n  return app\n"}});
  EXPECT_EQ(web(made).command,
            "sh -c 'cd src && exec gunicorn '\\''main:create_app()'\\'' --bind 0.0.0.0:$PORT'");
}

TEST(Init, FollowsMakeAndTheStagesOfAnImage) {
  auto files = kFlask;
  files["Makefile"] = "serve:\n\tgunicorn app:app --threads 5\n";
  files["Dockerfile"] =
      "FROM python:3.11 AS production\nCMD make serve\nFROM production AS test\n"
      "CMD [\"pytest\"]\n";
  EXPECT_EQ(web(init(files)).command, "gunicorn app:app --threads 5 --bind 0.0.0.0:$PORT");
}

TEST(Init, NamesThePythonThatTheProjectIsWrittenFor) {
  auto files = kFlask;
  files["Dockerfile"] =
      "FROM python:3.9-slim AS base\nFROM base\nCMD [\"gunicorn\", \"app:app\"]\n";
  EXPECT_EQ(preprod(init(files)).build.prefer, "3.9");
  files["runtime.txt"] = "python-3.10.5\n";
  EXPECT_EQ(preprod(init(files)).build.prefer, "3.10");
  files[".python-version"] = "3.12\n";
  EXPECT_EQ(preprod(init(files)).build.prefer, "3.12");
  EXPECT_EQ(preprod(init(kFlask)).build.prefer, "");
  EXPECT_EQ(preprod(init(locked("uv.lock", ">=3.13"))).build.prefer, "");
}

const Files kApiAndPages = {
    {"requirements.txt", "fastapi\nuvicorn\n"},
    {"app/main.py",
     "from fastapi import FastAPI\nfrom app import tasks\napp = FastAPI()\n"
     "app.include_router(tasks.router, prefix='/tasks')\n"},
    {"app/tasks.py", "router = APIRouter()\n"},
    {"frontend/package.json",
     R"({"scripts": {"build": "vite build"}, "devDependencies": {"vite": "5"}})"}};

std::vector<std::string> api_routes_of(const Files& files) {
  return web(init(files), "api").routes;
}
using Routes = std::vector<std::string>;

TEST(Init, KeepsThePagesThatLieBelowAnApiAtTheTop) {
  const auto made = init(kApiAndPages);
  EXPECT_EQ(web(made, "api").command, "uvicorn app.main:app --host 0.0.0.0 --port $PORT");
  EXPECT_EQ(web(made, "api").routes, (Routes{"/tasks", "/docs", "/redoc", "/openapi.json"}));
  EXPECT_EQ(web(made).command, "python3 -m http.server $PORT --directory dist");
  EXPECT_EQ(web(made).root, "frontend");
  EXPECT_EQ(preprod(made).build.source, "requirements.txt");
}

TEST(Init, FindsWhereTheRoutersOfAnApiAreMounted) {
  auto files = kApiAndPages;
  files["app/main.py"] =
      "from fastapi import FastAPI\napp = FastAPI()\n"
      "app.include_router(api_router, prefix=settings.API_PREFIX)\n@app.get('/health')\n"
      "def health(): return 1\n";
  files["app/settings.py"] = "API_KEY = ''\nAPI_PREFIX = '/api/v1'\n";
  files["app/tasks.py"] = "router = APIRouter(prefix='/tasks')\n";
  EXPECT_EQ(api_routes_of(files), (Routes{"/api", "/health", "/docs", "/redoc", "/openapi.json"}));
  files["app/main.py"] =
      "from fastapi import FastAPI\napp = FastAPI()\napp.include_router(tasks.router)\n";
  EXPECT_EQ(api_routes_of(files), (Routes{"/tasks", "/docs", "/redoc", "/openapi.json"}));
}

TEST(Init, FindsThePathsOfAnExpressServerAndSaysWhenItGuesses) {
  Files files = {{"server/package.json",
                  R"({"scripts": {"start": "node i.js"}, "dependencies": {"express": "4"}})"},
                 {"server/i.js",
                  "const app = express();\napp.use(cors());\napp.use('/auth', auth);\n"
                  "app.get('/status', f);\napp.listen(5000);\n"},
                 {"client/package.json",
                  R"({"scripts": {"build": "vite build"}, "devDependencies": {"vite": "5"}})"}};
  EXPECT_EQ(api_routes_of(files), (Routes{"/auth", "/status"}));
  files["server/i.js"] = "require('./app').listen(5000);\n";
  const auto made = init(files);
  EXPECT_EQ(web(made, "api").routes, Routes{"/api"});
  EXPECT_NE(gaps_text(made.proposal).find("is a guess"), std::string::npos);
}

TEST(Init, LeavesThePagesThatTheServerShowsToItsOwnBuild) {
  Files files = {
      {"package.json",
       R"({"scripts": {"start": "node s.js", "build": "npm run build --prefix client"},
           "dependencies": {"express": "4"}})"},
      {"s.js", "app.use(express.static('client/build'));\napp.listen(5000);\n"},
      {"client/package.json",
       R"({"scripts": {"build": "react-scripts build"}, "dependencies": {"react-scripts": "5"}})"}};
  EXPECT_EQ(preprod(init(files)).build.run, std::vector<std::string>{"npm run build"});
  files["package.json"] =
      R"({"scripts": {"start": "node s.js"}, "dependencies": {"express": "4"}})";
  const auto made = init(files);
  EXPECT_EQ(preprod(made).processes.size(), 1U);
  EXPECT_EQ(preprod(made).build.run,
            (std::vector<std::string>{"npm install --include=dev --prefix client",
                                      "npm run build --prefix client"}));
  files["client/package.json"] =
      R"({"scripts": {"build": "react-scripts build"}, "dependencies": {"react-scripts": "4"}})";
  EXPECT_EQ(preprod(init(files)).build.run.back(),
            "NODE_OPTIONS=--openssl-legacy-provider npm run build --prefix client");
}

const Files kSqlite = {{"requirements.txt", "fastapi\nuvicorn\nsqlalchemy\nalembic\n"},
                       {"app/main.py", "from fastapi import FastAPI\napp = FastAPI()\n"},
                       {"app/db.py", "URL = 'sqlite:///./tasks.db'\nengine = create_engine(URL)\n"},
                       {"alembic/versions/1_first.py", "revision = '1'\n"},
                       {"alembic.ini", "[alembic]\nprepend_sys_path = .\n"}};

TEST(Init, KeepsASqliteFileInAVolume) {
  const auto made = init(kSqlite);
  EXPECT_EQ(preprod(made).volumes, (Volumes{{"data", "/app/data"}}));
  EXPECT_EQ(preprod(made).build.run, std::vector<std::string>{"ln -s data/tasks.db tasks.db"});
  EXPECT_NE(gaps_text(made.proposal).find("SQLite file tasks.db"), std::string::npos);
  auto own = kSqlite;
  own["app/db.py"] = "engine = create_engine('sqlite+aiosqlite:///./store/tasks.db')\n";
  EXPECT_EQ(preprod(init(own)).volumes, (Volumes{{"store", "/app/store"}}));
  EXPECT_TRUE(preprod(init(own)).build.run.empty());
}

TEST(Init, PutsNoNameIntoACommandThatAShellWouldRead) {
  auto files = kSqlite;
  files["app/db.py"] = "engine = create_engine('sqlite:///tasks;id.db')\n";
  EXPECT_TRUE(preprod(init(files)).build.run.empty());
  EXPECT_TRUE(preprod(init(files)).volumes.empty());
}

TEST(Init, StartsAVolumeWithTheSqliteFileOfTheRepository) {
  auto files = kSqlite;
  files["tasks.db"] = "SQLite format 3";
  const auto made = init(files);
  EXPECT_EQ(preprod(made).build.run, (std::vector<std::string>{"mv tasks.db tasks.db.committed",
                                                               "ln -s data/tasks.db tasks.db"}));
  EXPECT_EQ(preprod(made).release.at(0).run,
            "sh -c 'test -e data/tasks.db || cp tasks.db.committed data/tasks.db'");
  EXPECT_EQ(preprod(made).release.at(1).run, "alembic upgrade head");
}

TEST(Init, KeepsDjangosSqliteFileInAVolume) {
  auto files = kDjango;
  files["requirements.txt"] = "django\ngunicorn\nwhitenoise\n";
  files["shop/settings.py"] =
      "BASE_DIR = Path(__file__).resolve().parent.parent\n"
      "DATABASES = {'default': {'ENGINE': 'django.db.backends.sqlite3', 'NAME': BASE_DIR / "
      "'db.sqlite3'}}\n";
  EXPECT_EQ(volumes_of(files), (Volumes{{"data", "/app/data"}}));
  EXPECT_EQ(preprod(init(files)).build.run,
            std::vector<std::string>{"ln -s data/db.sqlite3 db.sqlite3"});
}

TEST(Init, TellsOfASqliteFileBesideTheFolderThatItsPartIsBuiltIn) {
  Files files;
  for (const auto& [path, text] : kDjango) files["django_backend/" + path] = text;
  files["django_backend/requirements.txt"] = "django\ngunicorn\nwhitenoise\n";
  files["django_backend/shop/settings.py"] =
      "TOP = Path(__file__).resolve().parent.parent.parent\n"
      "DATABASES = {'default': {'ENGINE': 'django.db.backends.sqlite3', 'NAME': TOP / "
      "'db.sqlite3'}}\n";
  EXPECT_TRUE(volumes_of(files).empty());
  EXPECT_NE(gaps_text(proposal_of(files)).find("outside django_backend/"), std::string::npos);
}

TEST(Init, TellsFlasksToolsWhichAppItIs) {
  const auto made = init({{"requirements.txt", "flask\ngunicorn\nflask-migrate\n"},
                          {"shop/web.py", "from flask import Flask\napp = Flask('shop')\n"},
                          {"shop/migrations/alembic.ini", ""}});
  EXPECT_EQ(preprod(made).release.at(0).run, "flask db upgrade -d shop/migrations");
  EXPECT_EQ(std::get<std::string>(preprod(made).env.at("FLASK_APP")), "shop.web:app");
}

TEST(Init, MigratesWithTheAppThatAComposeFileMigratesWith) {
  const auto made =
      init({{"requirements.txt", "flask\ngunicorn\nflask-migrate\n"},
            {"run.py", "from flask import Flask\napp = Flask('shop')\n"},
            {"migrate.py", "app = 1\n"},
            {"migrations/alembic.ini", ""},
            {"compose.yml",
             "services:\n  m:\n    build: .\n    command: flask db upgrade\n    environment: "
             "{FLASK_APP: /usr/src/app/migrate.py}\n"}});
  EXPECT_EQ(std::get<std::string>(preprod(made).env.at("FLASK_APP")), "migrate.py");
}

Files started_by(const std::string& script) {
  auto files = kDjango;
  files["Dockerfile"] = "FROM python:3.11\nENTRYPOINT [\"./entrypoint.sh\"]\n";
  files["entrypoint.sh"] = "#!/bin/sh\n" + script + "\nexec gunicorn shop.wsgi\n";
  files["seed.py"] = "";
  return files;
}

std::vector<std::string> jobs_of(const Files& files) {
  std::vector<std::string> jobs;
  const auto made = init(files);
  for (const auto& each : preprod(made).release) jobs.push_back(each.run);
  return jobs;
}

TEST(Init, MakesJobsOfWhatAStartScriptDoesOnce) {
  EXPECT_EQ(jobs_of(started_by("set -e\npython manage.py migrate\npython manage.py loaddata one\n"
                               "python seed.py")),
            (std::vector<std::string>{"python manage.py migrate --noinput",
                                      "python manage.py collectstatic --noinput",
                                      "python manage.py loaddata one", "python seed.py"}));
  EXPECT_EQ(jobs_of(started_by("python seed.py")).at(2), "sh -c 'python seed.py || true'");
  EXPECT_EQ(jobs_of(started_by("set -e\npython seed.py || true")).at(2),
            "sh -c 'python seed.py || true'");
  EXPECT_EQ(jobs_of(started_by("set -e\npython seed.py --shop \"My Shop\" --owner 'Ann'")).at(2),
            "python seed.py --shop 'My Shop' --owner Ann");
  EXPECT_EQ(jobs_of(started_by("if [ \"$SEED\" ]; then python seed.py; fi\npython gone.py\n"
                               "python seed.py $MORE\nsleep 3\npython seed.py &"))
                .size(),
            2U);
}

TEST(Init, StartsNoProgramTwice) {
  const auto made =
      proposal_of({{"Dockerfile", "FROM python:3.12\nCMD [\"python\", \"serve.py\"]\n"},
                   {"serve.py", "import http.server\n"}});
  EXPECT_EQ(made.parts.at(0).command.value, "python serve.py");
  EXPECT_TRUE(made.release.empty());
}

TEST(Init, AsksThePageThatAHealthcheckAsks) {
  auto files = kFlask;
  files["Dockerfile"] =
      "FROM python:3.11\nHEALTHCHECK --interval=5s CMD curl -f http://localhost:5000/up?x || exit "
      "1\n"
      "CMD [\"gunicorn\", \"app:app\"]\n";
  EXPECT_EQ(web(init(files)).ready->path, "/up");
  files["compose.yml"] =
      "services:\n  web:\n    build: .\n    healthcheck: {test: [CMD, wget, "
      "'http://127.0.0.1/api/state']}\n  db:\n    image: x\n    healthcheck: {test: [CMD, curl, "
      "'http://localhost/other']}\n";
  EXPECT_EQ(web(init(files)).ready->path, "/api/state");
}

TEST(Init, KeepsTheFoldersThatAComposeFileKeeps) {
  auto files = kDjango;
  files["compose.yml"] =
      "services:\n  web:\n    build: .\n    volumes: [\"files:/usr/src/app/var/files\", "
      "\"static:/app/staticfiles\", \".:/app\", \"shop:/app/shop\"]\n  db:\n    image: postgres\n"
      "    volumes: [\"pg:/app/pg\"]\nvolumes: {files: {}, static: {}, shop: {}, pg: {}}\n";
  EXPECT_EQ(volumes_of(files), (Volumes{{"files", "/app/var/files"}, {"media", "/app/media"}}));
}

TEST(Init, TellsPagesWhereTheirApiIs) {
  auto files = kApiAndPages;
  files["frontend/src/api.ts"] =
      "const top = import.meta.env.VITE_API_URL || 'http://localhost:8000';\n"
      "const sure = import.meta.env.VITE_BACKEND_ENDPOINT;\n";
  files["frontend/.env.example"] = "VITE_BACKEND_ENDPOINT=http://localhost:8000/api/v1/\n";
  const auto made = init(files);
  EXPECT_EQ(std::get<std::string>(preprod(made).env.at("VITE_API_URL")), "/.");
  EXPECT_EQ(std::get<std::string>(preprod(made).env.at("VITE_BACKEND_ENDPOINT")), "/api/v1");
  EXPECT_EQ(web(made).build->per_environment.size(), 2U);
}

TEST(Init, ReadsTheCommandOfAComposeFileByEachOfItsNames) {
  for (const auto* name : {"compose.yml", "docker-compose.yml", "deploy/docker-compose.yml"}) {
    auto files = kFlask;
    files[name] = "services:\n  web:\n    build: {context: " +
                  std::string(name[0] == 'd' && name[1] == 'e' ? ".." : ".") +
                  "}\n    command: gunicorn app:app -w 8\n";
    EXPECT_EQ(web(init(files)).command, "gunicorn app:app -w 8 --bind 0.0.0.0:$PORT") << name;
  }
}

TEST(Init, HandsTheCommandToAnEntrypointThatRunsIt) {
  auto files = started_by("true");
  files["Dockerfile"] += "CMD [\"gunicorn\", \"shop.wsgi\", \"-w\", \"4\"]\n";
  files["entrypoint.sh"] = "#!/bin/sh\nset -e\nexec \"$@\"\n";
  EXPECT_EQ(web(init(files)).command, "gunicorn shop.wsgi -w 4 --bind 0.0.0.0:$PORT");
  files["entrypoint.sh"] = "#!/bin/sh\nexec gunicorn shop.wsgi\n";
  EXPECT_EQ(web(init(files)).command, "gunicorn shop.wsgi --bind 0.0.0.0:$PORT");
}

TEST(Init, LoadsWhatAnImageIsBuiltWithInAJob) {
  auto files = kDjango;
  files["Dockerfile"] =
      "FROM python:3.11\nRUN python manage.py migrate && python manage.py loaddata demo.json\n"
      "CMD [\"gunicorn\", \"shop.wsgi\"]\n";
  EXPECT_EQ(jobs_of(files).back(), "python manage.py loaddata demo.json");
}

TEST(Init, StartsTheDatabaseThatAComposeFileStarts) {
  auto files = kFlask;
  files["app.py"] += "import os\nHOST = os.environ['POSTGRES_HOST']\n";
  EXPECT_TRUE(preprod(init(files)).services.empty());
  files["compose.yml"] = "services:\n  web: {build: .}\n  data: {image: 'postgres:15'}\n";
  EXPECT_EQ(preprod(init(files)).services.at(0).kind, model::ServiceKind::kPostgres);
}

TEST(Init, TakesTheVariableThatPrismaNames) {
  Files files = {
      {"package.json", R"({"scripts": {"start": "next start"}, "dependencies": {"next": "14"}})"},
      {"prisma/schema.prisma",
       "datasource db {\n  provider = \"postgresql\"\n  url = env(\"POSTGRES_PRISMA_URL\")\n}\n"}};
  EXPECT_EQ(preprod(init(files)).services.size(), 1U);
  EXPECT_TRUE(init(files).proposal.asks.empty());
  files["prisma/schema.prisma"] =
      "datasource db {\n  provider = \"mysql\"\n  url = env(\"MY_DB\")\n}\n";
  EXPECT_EQ(init(files).proposal.asks.at(0).what, "MY_DB");
}

TEST(Init, WritesListsAndSwitchesAsTheCodeReadsThem) {
  auto files = kDjango;
  files["shop/settings.py"] =
      "import os\nALLOWED_HOSTS = os.environ['ALLOWED_HOSTS'].split()\n"
      "DEBUG = int(os.environ.get('DEBUG', default=1))\n";
  const auto made = init(files);
  EXPECT_EQ(std::get<std::string>(preprod(made).env.at("ALLOWED_HOSTS")),
            "my-shop-v2.localhost preprod.my-shop-v2.localhost");
  EXPECT_EQ(std::get<std::string>(preprod(made).env.at("DEBUG")), "0");
}

TEST(Init, BuildsWithOldToolsByOldHashes) {
  const auto built = [](const std::string& version) {
    return init({{"package.json",
                  R"({"scripts": {"build": "next build", "start": "next start"},
                      "dependencies": {"next": ")" +
                      version + "\"}}"}});
  };
  EXPECT_EQ(preprod(built("11.1.3")).build.run,
            std::vector<std::string>{"NODE_OPTIONS=--openssl-legacy-provider npm run build"});
  EXPECT_EQ(preprod(built("^12.0.0")).build.run, std::vector<std::string>{"npm run build"});
  EXPECT_EQ(preprod(built("latest")).build.run, std::vector<std::string>{"npm run build"});
}

TEST(Init, AddsWhatAPinnedPackageWasWrittenFor) {
  auto files = kFlask;
  const auto beside = [&] {
    const auto all = files_beside(init(files).proposal);
    const auto found = all.find("requirements-ecluse.txt");
    return found == all.end() ? std::string() : found->second;
  };
  EXPECT_EQ(beside(), "");
  files["requirements.txt"] = "Flask==2.2.3\ngunicorn\n";
  EXPECT_TRUE(beside().ends_with("-r requirements.txt\nwerkzeug<3\n")) << beside();
  files["requirements.txt"] = "flask==2.2.3\nwerkzeug==2.2.3\ngunicorn\n";
  EXPECT_EQ(beside(), "");
  files["requirements.txt"] = "flask==2.3.0\ngunicorn\n";
  EXPECT_EQ(beside(), "");
}

TEST(Proposal, LeavesOutTestsOfAJobThatHasServices) {
  auto files = kDjango;
  files["requirements.txt"] += "flake8\npytest\n";
  files[".gitlab-ci.yml"] =
      "test:\n  services: [postgres]\n  script:\n    - flake8\n    - pytest -v\n";
  const auto made = init(files);
  ASSERT_EQ(preprod(made).checks.size(), 1U) << made.yaml;
  EXPECT_EQ(preprod(made).checks[0].run, "flake8 --extend-exclude=.venv");
  EXPECT_NE(gaps_text(made.proposal).find("`pytest -v` of the pipeline needs a service"),
            std::string::npos);
}

TEST(Init, LooksIntoTheShellThatAnImageStarts) {
  auto files = kDjango;
  files["Dockerfile"] =
      "FROM python:3.11\nCMD sh -c \"python manage.py migrate && python manage.py seed && gunicorn "
      "shop.wsgi\"\n";
  EXPECT_EQ(jobs_of(files).back(), "python manage.py seed");
}

TEST(Init, SaysWhichDatabaseIsNotStarted) {
  const auto said = [](const std::string& package) {
    return gaps_text(
        proposal_of({{"package.json", R"({"scripts": {"start": "node s.js"}, "dependencies": {")" +
                                          package + R"(": "6", "express": "4"}})"},
                     {"s.js", ""}}));
  };
  EXPECT_NE(said("mongodb").find("keeps its data in MongoDB"), std::string::npos);
  EXPECT_NE(said("mysql2").find("keeps its data in MySQL"), std::string::npos);
  EXPECT_EQ(said("pg").find("keeps its data in"), std::string::npos);
}

TEST(Serving, DropsAnAddressThatIsOneWordWithItsFlag) {
  const auto found = find_serving("gunicorn 'shop:app()' '-b :5000'");
  ASSERT_TRUE(found);
  EXPECT_EQ(command_of(*found), "gunicorn 'shop:app()' --bind 0.0.0.0:$PORT");
}

TEST(Serving, UnderstandsBun) {
  EXPECT_EQ(command_of(*find_serving("bun next start")), "next start -p $PORT");
  EXPECT_EQ(command_of(*find_serving("bun --bun next start -p 3000")), "next start -p $PORT");
  EXPECT_EQ(command_of(*find_serving("bunx next start")), "next start -p $PORT");
  EXPECT_FALSE(find_serving("bun next dev"));
  EXPECT_FALSE(find_serving("bun src/index.ts"));
}

}  // namespace
}  // namespace ecluse::preflight
