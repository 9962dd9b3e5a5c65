#include "preflight/remedy/remedy.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>

#include "preflight/rules/rule.h"

namespace ecluse::preflight {
namespace {

using Files = std::map<std::string, std::string>;

struct Audited {
  Repository repository;
  Findings findings;
};

Audited audit_of(const Files& files) {
  Collector collector;
  for (const auto& [path, text] : files) {
    const FileFact fact{.path = path, .bytes = text.size()};
    collector.file(fact);
    if (Collector::wish(path, text.size()) != Wish::kNothing) collector.content(fact, text);
  }
  Audited out{collector.finish(), {}};
  const auto stack = conclude(out.repository);
  out.findings = audit({.repository = out.repository, .stack = stack, .today = "2026-11-21"});
  return out;
}

std::vector<FileChange> remedies_of(const Files& files, std::string_view rule) {
  auto audited = audit_of(files);
  std::erase_if(audited.findings, [&](const Finding& each) { return each.rule != rule; });
  return remedies(audited.findings, audited.repository,
                  [&](std::string_view path) -> std::optional<std::string> {
                    const auto found = files.find(std::string(path));
                    return found == files.end() ? std::nullopt : std::optional(found->second);
                  });
}

Files mended(Files files, const std::vector<FileChange>& changes) {
  for (const auto& change : changes) {
    if (!change.moved_to.empty()) {
      files[change.moved_to] = files.at(change.path);
      files.erase(change.path);
    } else {
      files[change.path] = change.after;
    }
  }
  return files;
}

bool finds(const Files& files, std::string_view rule) {
  return std::ranges::any_of(audit_of(files).findings,
                             [&](const Finding& each) { return each.rule == rule; });
}

struct Sample {
  const char* rule;
  Files files;
  const char* path;   ///< that changes
  const char* after;  ///< all of it
};

std::string workflow(const std::string& run) {
  return "on: push\njobs:\n  test:\n    steps:\n      - run: |\n          " + run + "\n";
}

const std::vector<Sample>& samples() {
  using namespace std::string_literals;
  static const std::string tests_count = workflow("pytest");
  static const std::string hook_that_fails =
      workflow("curl --fail -X POST \"$RENDER_DEPLOY_HOOK_URL\"");
  static const std::vector<Sample> list = {
      {"HC-005",
       {{"wait.sh", "docker ps | grep -q 'healthy' && exit 0\n"}},
       "wait.sh",
       "docker ps | grep -q -w 'healthy' && exit 0\n"},
      {"SEC-008",
       {{"compose.yml",
         "services:\n  db:\n    image: postgres:16\n    ports:\n      - \"5432:5432\"\n"}},
       "compose.yml",
       "services:\n  db:\n    image: postgres:16\n    ports:\n      - \"127.0.0.1:5432:5432\"\n"},
      {"CI-006",
       {{".github/workflows/a.yml", workflow("pytest || true")}},
       ".github/workflows/a.yml",
       tests_count.c_str()},
      {"MIG-005",
       {{"package.json", R"({"scripts": {"start": "prisma migrate dev && node server.js"}})"}},
       "package.json",
       R"({"scripts": {"start": "prisma migrate deploy && node server.js"}})"},
      {"CI-003",
       {{".github/workflows/a.yml", workflow("curl -X POST \"$RENDER_DEPLOY_HOOK_URL\"")}},
       ".github/workflows/a.yml",
       hook_that_fails.c_str()},
      {"ST-002",
       {{".streamlit/config.toml", "[server]\nenableXsrfProtection = false\r\n"}},
       ".streamlit/config.toml",
       "[server]\nenableXsrfProtection = true\r\n"},
      {"DEP-004",
       {{"requirements.txt",
         "\xFF\xFE"
         "f\0l\0a\0s\0k\0"s}},
       "requirements.txt",
       "flask"},
      {"DK-005",
       {{"Dockerfile", "FROM python:3.12\nCMD python manage.py migrate && gunicorn a.wsgi\n"}},
       "Dockerfile",
       "FROM python:3.12\nCMD python manage.py migrate && exec gunicorn a.wsgi\n"},
      {"DI-001",
       {{"Dockerfile", "FROM python:3.12\nCOPY . /app\n"}},
       ".dockerignore",
       ".git\n.env\n*.log\n*.sqlite3\n"},
      {"DI-002",
       {{"Dockerfile", "FROM python:3.12\nCOPY . /app\n"},
        {".env", "A=b\n"},
        {".dockerignore", "*.log"}},
       ".dockerignore",
       "*.log\n.git\n.env\n"},
      {"DI-002",
       {{"Dockerfile", "FROM python:3.12\nCOPY . /app\n"},
        {".env", "A=b\n"},
        {".dockerignore", ".git\n.env\n!.env\n"}},
       ".dockerignore",
       ".git\n.env\n!.env\n.env\n"},
      {"REPO-004",
       {{"app.py", "print(1)\n"}},
       ".gitignore",
       ".env\n*.log\n*.sqlite3\n.DS_Store\n__pycache__/\n*.pyc\n.venv/\nvenv/\n.pytest_cache/\n"
       ".coverage\n"},
  };
  return list;
}

TEST(Remedies, MendWhatWasFoundAndNothingElse) {
  for (const auto& sample : samples()) {
    ASSERT_TRUE(finds(sample.files, sample.rule)) << sample.rule;
    const auto changes = remedies_of(sample.files, sample.rule);
    ASSERT_EQ(changes.size(), 1u) << sample.rule;
    EXPECT_EQ(changes[0].path, sample.path) << sample.rule;
    EXPECT_EQ(changes[0].after, sample.after) << sample.rule;
    EXPECT_EQ(changes[0].rules, std::vector<std::string>{sample.rule});
  }
}

TEST(Remedies, AFindingThatWasMendedIsGoneAndASecondRunChangesNothing) {
  for (const auto& sample : samples()) {
    const auto after = mended(sample.files, remedies_of(sample.files, sample.rule));
    EXPECT_FALSE(finds(after, sample.rule)) << sample.rule;
    EXPECT_TRUE(remedies_of(after, sample.rule).empty()) << sample.rule;
  }
}

TEST(Remedies, DebugIsOffWithoutItsVariable) {
  const Files project = {
      {"manage.py",
       "import os\nos.environ.setdefault('DJANGO_SETTINGS_MODULE', 'shop.settings')\n"},
      {"shop/settings.py", "import os\n\nDEBUG = True  # for now\n"}};
  const auto changes = remedies_of(project, "DJ-001");
  ASSERT_EQ(changes.size(), 1u);
  EXPECT_EQ(changes[0].after,
            "import os\n\nDEBUG = os.environ.get(\"DEBUG\", \"False\") == \"True\"  # for now\n");
  EXPECT_FALSE(finds(mended(project, changes), "DJ-001"));
  auto without_os = project;
  without_os["shop/settings.py"] = "DEBUG = True\n";
  EXPECT_TRUE(remedies_of(without_os, "DJ-001").empty()) << "the name os would be unknown";
}

TEST(Remedies, ADockerignoreWithABlankBehindItsNameIsRenamed) {
  const Files project = {{"Dockerfile", "FROM python:3.12\nCOPY . /app\n"},
                         {".dockerignore ", ".git\n"}};
  const auto changes = remedies_of(project, "DI-002");
  ASSERT_EQ(changes.size(), 1u);
  EXPECT_EQ(changes[0].moved_to, ".dockerignore");
  EXPECT_FALSE(finds(mended(project, changes), "DI-002"));
  auto both = project;
  both[".dockerignore"] = ".git\n";
  EXPECT_TRUE(remedies_of(both, "DI-002").empty()) << "which one is meant is not known";
}

TEST(Remedies, LeaveAloneWhatIsNotTheSimpleCase) {
  const std::vector<std::pair<const char*, Files>> cases = {
      {"DK-005", {{"Dockerfile", "FROM python:3.12\nCMD a && gunicorn $(nproc) | tee log\n"}}},
      {"HC-005", {{"wait.sh", "docker ps | grep \"$NAME healthy\"\n"}}},
      {"SEC-008",
       {{"compose.yml",
         "services:\n  db:\n    image: postgres:16\n    ports:\n      - {target: 5432, "
         "published: 5432}\n"}}},
  };
  for (const auto& [rule, files] : cases) EXPECT_TRUE(remedies_of(files, rule).empty()) << rule;
}

TEST(Remedies, AnAcceptedFindingIsNotMended) {
  const Files files = {{"wait.sh", "docker ps | grep healthy\n"}};
  auto audited = audit_of(files);
  for (auto& each : audited.findings) each.accepted = "waived";
  EXPECT_TRUE(remedies(audited.findings, audited.repository, [&](std::string_view) {
                return std::optional<std::string>(files.begin()->second);
              }).empty());
}

TEST(Remedies, TwoInOneFileAreOneChange) {
  const Files files = {
      {"wait.sh", "docker ps | grep healthy\nsleep 1\ndocker ps | grep healthy\n"}};
  const auto changes = remedies_of(files, "HC-005");
  ASSERT_EQ(changes.size(), 1u);
  EXPECT_EQ(changes[0].after,
            "docker ps | grep -w healthy\nsleep 1\ndocker ps | grep -w healthy\n");
}

TEST(UnifiedDiff, ShowsWhatChangesWithThreeLinesAround) {
  std::string before;
  std::string after;
  for (int i = 1; i <= 20; ++i) {
    before += std::to_string(i) + "\n";
    after += i == 4 || i == 19 ? "x\n" : std::to_string(i) + "\n";
  }
  EXPECT_EQ(unified_diff({.path = "a", .before = before, .after = after}),
            "--- a/a\n+++ b/a\n@@ -1,7 +1,7 @@\n 1\n 2\n 3\n-4\n+x\n 5\n 6\n 7\n"
            "@@ -16,5 +16,5 @@\n 16\n 17\n 18\n-19\n+x\n 20\n");
}

TEST(UnifiedDiff, OfNewFilesAndLinesAtTheEnd) {
  EXPECT_EQ(unified_diff({.path = "n", .after = "a\nb\n"}),
            "--- /dev/null\n+++ b/n\n@@ -0,0 +1,2 @@\n+a\n+b\n");
  EXPECT_EQ(unified_diff({.path = "n", .before = "a", .after = "a\nb\n"}),
            "--- a/n\n+++ b/n\n@@ -1,1 +1,2 @@\n-a\n\\ No newline at end of file\n+a\n+b\n");
}

}  // namespace
}  // namespace ecluse::preflight
