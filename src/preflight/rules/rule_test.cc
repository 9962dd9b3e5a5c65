#include "preflight/rules/rule.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <set>

namespace ecluse::preflight {
namespace {

using Files = std::map<std::string, std::string>;

/// The audit of a repository that exists in memory alone.
Findings check(const Files& files) {
  Collector collector;
  for (const auto& [path, text] : files) {
    const FileFact fact{.path = path, .bytes = text.size()};
    collector.file(fact);
    if (Collector::wish(path, text.size()) != Wish::kNothing) collector.content(fact, text);
  }
  const auto repository = collector.finish();
  const auto stack = conclude(repository);
  return audit({.repository = repository, .stack = stack, .today = "2026-11-21"});
}

std::string found(const Findings& findings, std::string_view rule) {
  for (const auto& each : findings)
    if (each.rule == rule) return each.path + ":" + std::to_string(each.place.line);
  return "";
}

struct Sample {
  const char* rule;
  Files bad;
  const char* where;
  Files good;
};

Files django(const std::string& settings) {
  return {{"manage.py",
           "import os\nos.environ.setdefault('DJANGO_SETTINGS_MODULE', 'shop.settings')\n"},
          {"shop/wsgi.py",
           "import os\nos.environ.setdefault('DJANGO_SETTINGS_MODULE', 'shop.settings')\n"},
          {"shop/settings.py", settings}};
}

std::string workflow(const std::string& run) {
  return "on: push\njobs:\n  test:\n    steps:\n      - run: |\n          " + run + "\n";
}

const std::vector<Sample>& samples() {
  static const std::vector<Sample> list = {
      {"SEC-001",
       {{"app.py", "API_TOKEN = 'k3J9dkq82hQz'\n"}},
       "app.py:1",
       {{"app.py", "import os\nAPI_TOKEN = os.environ['API_TOKEN']\nTOKEN_URL = '/token/'\n"}}},
      {"SEC-002",
       {{"app.js", "const SESSION_SECRET = 'keyboard cat'\nx(process.env.A)\n"}},
       "app.js:1",
       {{"app.js", "const SESSION_SECRET = process.env.SESSION_SECRET\n"}}},
      {"SEC-003",
       {{"app.py", "import os\nKEY = os.getenv('SECRET_KEY', 'abcdefgh')\n"}},
       "app.py:2",
       {{"app.py", "import os\nKEY = os.environ['SECRET_KEY']\n"}}},
      {"SEC-005",
       {{".env", "SECRET_KEY=a8sd7f6g5h\n"}},
       ".env:1",
       {{".env.example", "SECRET_KEY=\n"}}},
      {"SEC-006",
       {{"Dockerfile", "FROM python:3.12\nENV SECRET_KEY=abcdef\n"}},
       "Dockerfile:2",
       {{"Dockerfile", "FROM python:3.12\nENV PORT=8000\n"}}},
      {"SEC-007",
       {{"compose.yml",
         "services:\n  db:\n    image: postgres:16\n    environment:\n      POSTGRES_PASSWORD: "
         "hunter22\n"}},
       "compose.yml:5",
       {{"compose.yml",
         "services:\n  db:\n    image: postgres:16\n    environment:\n      POSTGRES_PASSWORD: "
         "${PASSWORD:?}\n"}}},
      {"SEC-008",
       {{"compose.yml", "services:\n  db:\n    image: postgres:16\n    ports: ['5432:5432']\n"}},
       "compose.yml:4",
       {{"compose.yml",
         "services:\n  db:\n    image: postgres:16\n    ports: ['127.0.0.1:5432:5432']\n"}}},
      {"DJ-001", django("DEBUG = True\n"), "shop/settings.py:1",
       django("import os\nDEBUG = os.environ.get('DEBUG', 'False') == 'True'\n")},
      {"DJ-002", django("DEBUG = False\nALLOWED_HOSTS = ['*']\nLOGGING = {}\n"),
       "shop/settings.py:2", django("LOGGING = {}\nALLOWED_HOSTS = ['shop.example.org']\n")},
      {"DJ-004", django("import os\nH = os.environ.get('HOSTS', '').split(',')\n"),
       "shop/settings.py:2", django("import os\nH = os.environ.get('HOSTS', 'a,b').split(',')\n")},
      {"DJ-008",
       {{"Dockerfile", "FROM python:3.12\nCMD python manage.py runserver 0.0.0.0:8000\n"}},
       "Dockerfile:2",
       {{"Dockerfile", "FROM python:3.12\nCMD gunicorn shop.wsgi\n"}}},
      {"DK-001",
       {{"Dockerfile", "FROM python:3.12\nCMD [\"gunicorn\", \"a.wsgi\"]\n"}},
       "Dockerfile:1",
       {{"Dockerfile", "FROM python:3.12\nUSER app\nCMD [\"gunicorn\", \"a.wsgi\"]\n"}}},
      {"DK-002",
       {{"Dockerfile", "FROM python\n"}},
       "Dockerfile:1",
       {{"Dockerfile", "FROM python:3.12-slim\n"}}},
      {"DK-005",
       {{"Dockerfile", "FROM python:3.12\nCMD python manage.py migrate && gunicorn a.wsgi\n"}},
       "Dockerfile:2",
       {{"Dockerfile",
         "FROM python:3.12\nCMD python manage.py migrate && exec gunicorn a.wsgi\n"}}},
      {"DK-008",
       {{"Dockerfile", "FROM python:3.12\nENTRYPOINT [\"./start.sh\"]\nCMD [\"gunicorn\"]\n"},
        {"start.sh", "exec gunicorn a.wsgi\n"}},
       "start.sh:1",
       {{"Dockerfile", "FROM python:3.12\nENTRYPOINT [\"./start.sh\"]\nCMD [\"gunicorn\"]\n"},
        {"start.sh", "exec \"$@\"\n"}}},
      {"DK-009",
       {{"Dockerfile", "FROM node:16-alpine\n"}},
       "Dockerfile:1",
       {{"Dockerfile", "FROM node:24-alpine\n"}}},
      {"CI-001",
       {{".github/workflows/a.yml",
         workflow("make deploy\n          if [ $? -ne 0 ]; then ./undo; fi")}},
       ".github/workflows/a.yml:7",
       {{".github/workflows/a.yml", workflow("if ! make deploy; then ./undo; fi")}}},
      {"CI-002",
       {{".github/workflows/a.yml", workflow("echo ${{ github.event.issue.title }}")}},
       ".github/workflows/a.yml:6",
       {{".github/workflows/a.yml", workflow("echo ${{ github.sha }}")}}},
      {"CI-006",
       {{".github/workflows/a.yml", workflow("pytest || true")}},
       ".github/workflows/a.yml:6",
       {{".github/workflows/a.yml", workflow("pytest")}}},
      {"DB-005",
       {{"app.py", "import sqlite3\nc = sqlite3.connect('a.db')\n"}},
       "app.py:2",
       {{"tests/test_app.py", "import sqlite3\nc = sqlite3.connect('a.db')\n"}}},
      {"DB-007",
       {{"Dockerfile", "FROM python:3.12\nRUN python manage.py migrate\n"}},
       "Dockerfile:2",
       {{"Dockerfile", "FROM python:3.12\nRUN python manage.py collectstatic\n"}}},
      {"MIG-002",
       {{"app.py", "db.drop_all()\n"}},
       "app.py:1",
       {{"tests/test_a.py", "db.drop_all()\n"}}},
      {"MIG-003",
       {{"Procfile", "web: python manage.py migrate && gunicorn a.wsgi\n"}},
       "Procfile:1",
       {{"Procfile", "release: python manage.py migrate\nweb: gunicorn a.wsgi\n"}}},
      {"HC-005",
       {{"wait.sh", "docker ps | grep healthy\n"}},
       "wait.sh:1",
       {{"wait.sh", "docker ps | grep -qw healthy\n"}}},
      {"RED-002",
       {{"compose.yml", "services:\n  r:\n    image: redis:7\n    ports: ['6379:6379']\n"}},
       "compose.yml:4",
       {{"compose.yml", "services:\n  r:\n    image: redis:7\n"}}},
      {"VOL-002",
       {{"compose.yml", "services:\n  web:\n    build: .\n    volumes: ['.:/app']\n"}},
       "compose.yml:4",
       {{"compose.yml", "services:\n  web:\n    build: .\n    volumes: ['media:/app/media']\n"}}},
      {"LOG-001",
       {{"app.py", "import logging\nh = logging.FileHandler('a.log')\n"}},
       "app.py:2",
       {{"app.py", "import logging\nh = logging.StreamHandler()\n"}}},
      {"DEP-001",
       {{"requirements.txt", "flask\n"}, {"app.py", "import flask\nimport pandas\n"}},
       "app.py:2",
       {{"requirements.txt", "flask\nPillow\n"},
        {"app.py", "import os\nimport flask\nfrom PIL import Image\n"}}},
      {"DEP-004",
       {{"requirements.txt", std::string("\xFF\xFE"
                                         "f\0l\0a\0s\0k\0",
                                         12)}},
       "requirements.txt:1",
       {{"requirements.txt", "flask\n"}}},
      {"PX-001",
       {{"nginx.conf", "http { server { upstream a { server b; } } }\n"}},
       "nginx.conf:1",
       {{"nginx.conf", "http { upstream a { server b; } server { } }\n"}}},
      {"REPO-004",
       {{".gitignore", "*.log\n"}, {".coverage", "x"}},
       ".gitignore:1",
       {{".gitignore", "*.log\n"}, {".coveragerc", "[run]\n"}}},
      {"SEC-004",
       {{"app.py", "import os\nP = os.getenv('ADMIN_PASSWORD', 'admin123')\n"}},
       "app.py:2",
       {{"app.py", "import os\nP = os.environ['ADMIN_PASSWORD']\n"}}},
      {"DJ-003", django("DEBUG = False\nALLOWED_HOSTS = []\n"), "shop/settings.py:2",
       django("DEBUG = False\nALLOWED_HOSTS = ['shop.example.org']\n")},
      {"DK-004",
       {{"Dockerfile", "FROM python:3.12\nCMD [\"tail\", \"-f\", \"/dev/null\"]\n"}},
       "Dockerfile:2",
       {{"Dockerfile", "FROM python:3.12\nCMD [\"gunicorn\", \"a.wsgi\"]\n"}}},
      {"DK-010",
       {{"compose.yml", "services:\n  web:\n    build: ./web\n"}},
       "compose.yml:2",
       {{"compose.yml", "services:\n  web:\n    build: ./web\n"},
        {"web/Dockerfile", "FROM python:3.12\nUSER app\nCMD gunicorn a.wsgi\n"}}},
      {"DK-011",
       {{"compose.yml", "services:\n  web:\n    build: .\n    privileged: true\n"}},
       "compose.yml:4",
       {{"compose.yml", "services:\n  web:\n    build: .\n    privileged: false\n"}}},
      {"DI-001",
       {{"Dockerfile", "FROM python:3.12\nCOPY . /app\n"}},
       "Dockerfile:2",
       {{"Dockerfile", "FROM python:3.12\nCOPY . /app\n"}, {".dockerignore", ".git\n.env\n"}}},
      {"DI-002",
       {{"Dockerfile", "FROM python:3.12\nCOPY . /app\n"},
        {".env", "A=b\n"},
        {".dockerignore", ".git\n"}},
       ".dockerignore:1",
       {{"Dockerfile", "FROM python:3.12\nCOPY . /app\n"},
        {".env", "A=b\n"},
        {".dockerignore", ".git\n.env\n"}}},
      {"MIG-001",
       {{"requirements.txt", "flask-sqlalchemy\n"}, {"app.py", "db.create_all()\n"}},
       "app.py:1",
       {{"tests/test_a.py", "db.create_all()\n"}}},
      {"DEP-003",
       {{"requirements.txt", "flask\n"},
        {"app.py", "from flask import Flask\napp = Flask(__name__)\n"}},
       "app.py:2",
       {{"requirements.txt", "flask\ngunicorn\n"},
        {"app.py", "from flask import Flask\napp = Flask(__name__)\n"}}},
      {"DEP-005",
       {{"Dockerfile",
         "FROM python:3.12\nCMD pip install -r requirements.txt && gunicorn a.wsgi\n"}},
       "Dockerfile:2",
       {{"Dockerfile",
         "FROM python:3.12\nRUN pip install -r requirements.txt\nCMD gunicorn a.wsgi\n"}}},
      {"RUN-001",
       {{"Procfile", "web: gunicorn store.wsgi\n"}},
       "Procfile:1",
       {{"Procfile", "web: gunicorn store.wsgi\n"}, {"store/wsgi.py", ""}}},
      {"RUN-003",
       {{"package.json", R"({"dependencies": {"@prisma/client": "5"}})"}},
       "package.json:1",
       {{"package.json",
         R"({"dependencies": {"@prisma/client": "5"}, "scripts": {"postinstall": "prisma generate"}})"}}},
      {"REPO-002", {{"a.log", "x"}}, "a.log:1", {{"blog.py", "x"}}},
      {"REPO-006",
       {{"a.md", ""},
        {"b.md", ""},
        {"c.md", ""},
        {"d.md", ""},
        {"e.md", ""},
        {"f.md", ""},
        {"g.md", ""},
        {"h.md", ""},
        {"i.md", ""},
        {"j.md", ""}},
       ":0",
       {{"README.md", ""}, {"docs/a.md", ""}}},
      {"ST-001",
       {{"compose.yml",
         "services:\n  a:\n    build: .\n    ports: ['80:80']\n  b:\n    build: .\n    ports: "
         "['80:81']\n"}},
       "compose.yml:7",
       {{"compose.yml",
         "services:\n  a:\n    build: .\n    ports: ['80:80']\n  b:\n    build: .\n    ports: "
         "['81:81']\n"}}},
      {"ST-002",
       {{".streamlit/config.toml", "[server]\nenableXsrfProtection = false\n"}},
       ".streamlit/config.toml:2",
       {{".streamlit/config.toml", "[server]\nenableCORS = false\n"}}},
      {"HARD-001",
       {{"app.py", "P = '/home/ann/project/data.csv'\n"}},
       "app.py:1",
       {{"app.py", "P = '/home/app/data.csv'\n"}}},
  };
  return list;
}

TEST(Rules, EachIdStandsForOneRuleThatSaysWhyAndHowToMend) {
  std::set<std::string_view> ids;
  for (const auto* rule : all_rules()) {
    EXPECT_TRUE(ids.insert(rule->id).second) << rule->id << " stands twice";
    EXPECT_FALSE(rule->title.empty() || rule->why.empty() || rule->fix.empty()) << rule->id;
  }
}

TEST(Rules, FindWhatIsWrongWhereItIs) {
  for (const auto& sample : samples())
    EXPECT_EQ(found(check(sample.bad), sample.rule), sample.where) << sample.rule;
}

TEST(Rules, AreSilentAboutWhatIsRight) {
  for (const auto& sample : samples())
    EXPECT_EQ(found(check(sample.good), sample.rule), "") << sample.rule;
}

std::ptrdiff_t count_of(const Findings& findings, std::string_view rule) {
  return std::ranges::count(findings, rule, &Finding::rule);
}

TEST(Rules, AskNothingOfHowAFileThatWasSetAsideRuns) {
  const std::string bad = "FROM python\nCMD python manage.py runserver\n";
  for (const auto* path : {"Dockerfile.bak", "Dockerfile.bak2", "scripts/archive/Dockerfile",
                           "Dockerfile.old-2024", "archives_2023/Dockerfile"})
    EXPECT_EQ(count_of(check({{path, bad}}), "DJ-008"), 0) << path;
  EXPECT_EQ(count_of(check({{"Dockerfile.older", bad}}), "DJ-008"), 1);
  EXPECT_EQ(count_of(check({{"archive/app.py", "API_TOKEN = 'k3J9dkq82hQz'\n"}}), "SEC-001"), 1);
}

TEST(Rules, TellOfOneFilesMachinePathsInOneFinding) {
  const auto findings = check({{"app.py", "A = '/home/ann/a.csv'\nB = '/home/ann/b.csv'\n"}});
  ASSERT_EQ(count_of(findings, "HARD-001"), 1);
  const auto hard = std::ranges::find(findings, "HARD-001", &Finding::rule);
  EXPECT_NE(hard->evidence.find("further in lines 2"), std::string::npos);
}

TEST(Rules, CallAnAdministratorsDefaultPasswordByOneName) {
  const auto findings =
      check({{"app.py", "import os\nP = os.getenv('ADMIN_PASSWORD', 'admin123')\n"}});
  EXPECT_EQ(count_of(findings, "SEC-004"), 1);
  EXPECT_EQ(count_of(findings, "SEC-003"), 0);
}

TEST(Rules, TakeModulesOfTheProjectForDeclared) {
  const auto findings = check({{"requirements.txt", "flask\n"},
                               {"eda/trendline.ipynb", "{}"},
                               {"fast.pyx", ""},
                               {"app.py", "import fast\nimport trendline_clean\nimport pandas\n"}});
  ASSERT_EQ(count_of(findings, "DEP-001"), 1);
  EXPECT_EQ(found(findings, "DEP-001"), "app.py:3");
}

TEST(Rules, NeverShowASecretsValue) {
  for (const auto& each : check({{"app.py", "API_TOKEN = 'k3J9dkq82hQz'\n"}}))
    EXPECT_EQ(each.evidence.find("k3J9dkq82hQz"), std::string::npos) << each.rule;
}

TEST(Rules, EndOnDeepAndBrokenInput) {
  const std::string deep(20'000, '(');
  const std::string brackets(20'000, '[');
  const auto findings = check({{"app.py", "password=" + deep},
                               {"a.js", "secret=process.env." + deep},
                               {"a.sh", deep},
                               {"compose.yml", "services: " + brackets},
                               {"nginx.conf", std::string(5'000, '{')},
                               {"Dockerfile", "RUN <<" + deep},
                               {"package.json", brackets},
                               {"pyproject.toml", "a=" + brackets}});
  for (const auto& each : findings) EXPECT_NE(find_rule(each.rule), nullptr);
}

}  // namespace
}  // namespace ecluse::preflight
