#include "artifact/artifact_builder.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "artifact/git_test_repository.h"
#include "artifact/git_vcs.h"
#include "artifact/tree.h"

namespace ecluse::artifact {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;
using testing::Not;

/// A small package without dependencies: what the tests download.
constexpr const char* kRequirement = "six==1.16.0\n";

class ArtifactBuilderTest : public testing::Test {
 protected:
  void SetUp() override {
    if (!is_private()) GTEST_SKIP() << "builds in a private place need root";
  }

  Result<model::Artifact> build(ArtifactBuilder& builder, GitVcs& vcs,
                                const ports::LineSink& more = {}) {
    log_.clear();
    auto commit = vcs.resolve("shop", repository_.path(), "main");
    if (!commit) return fail(std::move(commit).error());
    return builder.build({*commit, spec_, inlined_}, [&](std::string_view line) {
      log_ += std::string(line) + "\n";
      if (more) more(line);
    });
  }
  Result<model::Artifact> build() { return build(builder_, vcs_); }

  /// The tree of what was built; the test fails when nothing was.
  fs::path built_tree() {
    const auto artifact = build();
    EXPECT_TRUE(artifact.has_value()) << artifact.error().message << "\n" << log_;
    if (!artifact) return {};
    return builder_.path_of(artifact->digest).value_or("");
  }
  Error build_error() {
    const auto artifact = build();
    EXPECT_FALSE(artifact.has_value());
    return artifact ? Error{} : artifact.error();
  }
  Result<ports::CheckOutcome> check(const std::string& run) {
    spec_.checks = {{.run = run}};
    auto commit = vcs_.resolve("shop", repository_.path(), "main");
    if (!commit) return fail(std::move(commit).error());
    return builder_.check({*commit, spec_, 0},
                          [&](std::string_view line) { log_ += std::string(line) + "\n"; });
  }
  std::size_t folders_on_shelf() const {
    const fs::path shelf = data_ / "artifacts";
    return static_cast<std::size_t>(
        std::distance(fs::directory_iterator(shelf), fs::directory_iterator{}));
  }

  os::TempFolder home_;
  fs::path data_ = home_.path() / "data";
  TestRepository repository_{home_.path() / "repos" / "shop"};
  GitVcs vcs_{data_};
  ArtifactBuilder builder_{data_, vcs_, {.pinning_max = std::chrono::seconds(0)}};
  model::EnvironmentSpec spec_{.app = "shop", .name = "preprod"};
  std::map<std::string, std::string> inlined_;
  std::string log_;
};

TEST_F(ArtifactBuilderTest, PythonRequirementsAreInstalledAtApp) {
  repository_.write("requirements.txt", kRequirement);
  repository_.write("main.py", "import six\nprint(six.__version__)\n");
  repository_.commit("app");
  const fs::path tree = built_tree();
  EXPECT_TRUE(fs::exists(tree / "main.py"));
  EXPECT_THAT(text_of(tree / ".venv/bin/pip"), HasSubstr("#!/app/.venv/bin/python"));
  EXPECT_THAT(log_, HasSubstr("Installing collected packages: six"));
  const auto outcome = check("python main.py && python -c 'import sys; print(sys.prefix)'");
  ASSERT_TRUE(outcome.has_value()) << outcome.error().message;
  EXPECT_EQ(outcome->exit_code, 0) << outcome->last_lines;
  EXPECT_EQ(outcome->last_lines, "1.16.0\n/app/.venv");
}

TEST_F(ArtifactBuilderTest, RebuiltFromNothingItHasTheSameDigest) {
  repository_.write("requirements.txt", kRequirement);
  repository_.write("pkg/module.py", "X = frozenset({'a', 'b', 'c'})\n");
  repository_.commit("app");
  const auto first = build();
  ASSERT_TRUE(first.has_value()) << first.error().message;
  GitVcs other_vcs(home_.path() / "other");
  ArtifactBuilder other(home_.path() / "other", other_vcs);
  const auto second = build(other, other_vcs);
  ASSERT_TRUE(second.has_value()) << second.error().message;
  EXPECT_THAT(log_, HasSubstr("Installing collected packages"));
  EXPECT_EQ(first->digest, second->digest);
  EXPECT_EQ(first->bytes, second->bytes);
}

TEST_F(ArtifactBuilderTest,
       AChangeOfCodeTakesThePackagesFromTheCacheAndTheDigestIsThatOfAFreshBuild) {
  repository_.write("requirements.txt", kRequirement);
  repository_.write("main.py", "print(1)\n");
  repository_.commit("one");
  ASSERT_TRUE(build().has_value());
  repository_.write("main.py", "print(2)\n");
  repository_.commit("two");
  const auto cached = build();
  ASSERT_TRUE(cached.has_value()) << cached.error().message;
  EXPECT_THAT(log_, HasSubstr("taken from the cache"));
  EXPECT_THAT(log_, Not(HasSubstr("Installing collected packages")));
  GitVcs other_vcs(home_.path() / "other");
  ArtifactBuilder other(home_.path() / "other", other_vcs);
  EXPECT_EQ(build(other, other_vcs).value_or(model::Artifact{}).digest, cached->digest);
}

TEST_F(ArtifactBuilderTest, CommandsMayAddToInstalledPackagesAndNotChangeThem) {
  // Bundlers keep their caches there; what is shared with the next build stays as it was installed.
  spec_.build = {.kind = model::BuildKind::kPython,
                 .run = {"mkdir .venv/.cache", "! sh -c 'echo x >> .venv/pyvenv.cfg'"}};
  repository_.write("requirements.txt", kRequirement);
  repository_.commit("installed");
  EXPECT_TRUE(fs::exists(built_tree() / ".venv/.cache"));
  repository_.write("more.py", "");
  repository_.commit("from the cache");
  EXPECT_TRUE(fs::exists(built_tree() / ".venv/.cache"));
  EXPECT_THAT(log_, HasSubstr("taken from the cache"));
}

TEST_F(ArtifactBuilderTest, TheSameInputsAreNotBuiltAgain) {
  spec_.build = {.kind = model::BuildKind::kCommand, .run = {"date +%N > when"}};
  repository_.write("a", "1");
  repository_.commit("one");
  const auto first = build();
  ASSERT_TRUE(first.has_value()) << first.error().message;
  repository_.commit("an empty commit");
  const auto second = build();
  ASSERT_TRUE(second.has_value());
  EXPECT_EQ(second->digest, first->digest);
  EXPECT_NE(second->commit, first->commit);
  EXPECT_THAT(log_, HasSubstr("reusing"));
  spec_.build.run = {"date +%N > when_else"};
  EXPECT_NE(build().value_or(model::Artifact{}).digest, first->digest);
}

TEST_F(ArtifactBuilderTest, InlinedValuesMakeAnArtifactOfOneEnvironment) {
  spec_.build = {.kind = model::BuildKind::kCommand,
                 .run = {"echo \"$API_URL\" > bundle"},
                 .per_environment = {"API_URL"}};
  repository_.commit("one");
  inlined_ = {{"API_URL", "https://preprod.example"}};
  const auto preprod = build();
  ASSERT_TRUE(preprod.has_value()) << preprod.error().message;
  EXPECT_EQ(preprod->environment, "preprod");
  EXPECT_EQ(text_of(fs::path(*builder_.path_of(preprod->digest)) / "bundle"),
            "https://preprod.example\n");
  inlined_ = {{"API_URL", "https://prod.example"}};
  EXPECT_NE(build().value_or(model::Artifact{}).digest, preprod->digest);
}

TEST_F(ArtifactBuilderTest, TheBuildIsConfined) {
  spec_.build = {
      .kind = model::BuildKind::kCommand,
      .run = {"id -u > uid", "pwd > pwd", "ls -A " + data_.string() + " > seen 2>&1 || true",
              "ls -A /tmp > tmp", "echo \"${ECLUSE_TEST_SECRET:-unset}\" > env",
              "! touch /usr/ecluse-test", "(sleep 600 &) ; echo $$ > pid"}};
  repository_.commit("one");
  ::setenv("ECLUSE_TEST_SECRET", "hidden", 1);
  const fs::path tree = built_tree();
  EXPECT_EQ(text_of(tree / "uid"), "58900\n");
  EXPECT_EQ(text_of(tree / "pwd"), "/app\n");
  EXPECT_THAT(text_of(tree / "seen"), Not(HasSubstr("mirrors")));
  EXPECT_EQ(text_of(tree / "tmp"), "cache\nhome\ntools\n");
  EXPECT_EQ(text_of(tree / "env"), "unset\n");
  EXPECT_EQ(text_of(tree / "pid"), "2\n");
}

TEST_F(ArtifactBuilderTest, ArtifactsBelongToRootAndNobodyElseMayWrite) {
  spec_.build = {.kind = model::BuildKind::kCommand,
                 .run = {"echo x > open; chmod 4777 open; mkdir -m 0777 folder; ln -s open link"}};
  repository_.commit("one");
  const fs::path tree = built_tree();
  std::vector<fs::path> paths = {tree};
  for (const auto& entry : fs::recursive_directory_iterator(tree)) paths.push_back(entry.path());
  ASSERT_EQ(paths.size(), 4U);
  for (const fs::path& path : paths) {
    struct stat status{};
    ASSERT_EQ(::lstat(path.c_str(), &status), 0);
    EXPECT_EQ(status.st_uid, 0U) << path;
    if (!S_ISLNK(status.st_mode)) {
      EXPECT_EQ(status.st_mode & 07777, 0755U) << path;
    }
    EXPECT_EQ(status.st_mtim.tv_sec, 1770091506) << path << " dates from its commit";
  }
}

TEST_F(ArtifactBuilderTest, AFailingCommandIsQuotedAndNothingIsKept) {
  spec_.build = {.kind = model::BuildKind::kCommand, .run = {"echo the reason; exit 3"}};
  repository_.commit("one");
  const Error error = build_error();
  EXPECT_EQ(error.kind, ErrorKind::kInvalid);
  EXPECT_THAT(error.message, HasSubstr("exited 3"));
  EXPECT_THAT(error.message, HasSubstr("the reason"));
  EXPECT_EQ(folders_on_shelf(), 0U);
}

TEST_F(ArtifactBuilderTest, AMissingRequirementIsNamedWithItsLine) {
  repository_.write("requirements.txt", "# pinned\nsix==99.99.99\n");
  repository_.commit("one");
  const Error error = build_error();
  EXPECT_EQ(error.kind, ErrorKind::kInvalid);
  EXPECT_THAT(error.message, HasSubstr("No matching distribution found for six==99.99.99"));
  EXPECT_THAT(error.message, HasSubstr("line 2 of requirements.txt"));
}

TEST_F(ArtifactBuilderTest, Utf16RequirementsAreConvertedAndTheFileStaysAsItIs) {
  std::string utf16 = "\xFF\xFE";
  for (const char c : std::string_view("six==1.16.0\r\n")) utf16 += {c, '\0'};
  repository_.write("requirements.txt", utf16);
  repository_.commit("one");
  const fs::path tree = built_tree();
  EXPECT_THAT(log_, HasSubstr("is UTF-16LE; converted"));
  EXPECT_EQ(text_of(tree / "requirements.txt"), utf16);
  EXPECT_FALSE(fs::exists(tree / ".ecluse-requirements.txt"));
}

/// Writes the wheel of a package `tiny`, of the same bytes everywhere: what the lock below names.
constexpr const char* kMakeWheel = R"(
import base64, hashlib, zipfile
files = {'tiny.py': 'ANSWER = 42\n',
         'tiny-1.0.dist-info/METADATA': 'Metadata-Version: 2.1\nName: tiny\nVersion: 1.0\n',
         'tiny-1.0.dist-info/WHEEL': 'Wheel-Version: 1.0\nGenerator: test\n'
                                     'Root-Is-Purelib: true\nTag: py3-none-any\n'}
def line(name, text):
    digest = base64.urlsafe_b64encode(hashlib.sha256(text.encode()).digest()).rstrip(b'=').decode()
    return f'{name},sha256={digest},{len(text)}\n'
record = 'tiny-1.0.dist-info/RECORD'
files[record] = ''.join(line(*file) for file in files.items()) + f'{record},,\n'
with zipfile.ZipFile('tiny-1.0-py3-none-any.whl', 'w') as wheel:
    for name, text in files.items():
        wheel.writestr(zipfile.ZipInfo(name), text)
)";
constexpr const char* kPoetryProject = R"([project]
name = "shop"
version = "1.0"
requires-python = ">=3.9"

[tool.poetry]
package-mode = false

[tool.poetry.dependencies]
tiny = {path = "tiny-1.0-py3-none-any.whl"}
)";
/// As `poetry lock` writes it.
constexpr const char* kPoetryLock = R"([[package]]
name = "tiny"
version = "1.0"
description = ""
optional = false
python-versions = "*"
groups = ["main"]
files = [
    {file = "tiny-1.0-py3-none-any.whl", hash = "sha256:22dc6d036b359cb2927ae38c618e3a5ddb06bf14cbd389cfe355c7d13eccdf6e"},
]

[package.source]
type = "file"
url = "tiny-1.0-py3-none-any.whl"

[metadata]
lock-version = "2.1"
python-versions = ">=3.9"
content-hash = "c7a650a12ac28988fe315540326b69549c7461aade4d8123a55e7aa88b9de6e8"
)";

constexpr const char* kUvProject = R"([project]
name = "shop"
version = "1.0"
requires-python = ">=3.9"
dependencies = ["tiny"]

[tool.uv]
package = false

[tool.uv.sources]
tiny = {path = "tiny-1.0-py3-none-any.whl"}
)";
/// As `uv lock` writes it.
constexpr const char* kUvLock = R"(version = 1
revision = 5
requires-python = ">=3.9"

[[package]]
name = "shop"
version = "1.0"
source = { virtual = "." }
dependencies = [
    { name = "tiny" },
]

[package.metadata]
requires-dist = [{ name = "tiny", path = "tiny-1.0-py3-none-any.whl" }]

[[package]]
name = "tiny"
version = "1.0"
source = { path = "tiny-1.0-py3-none-any.whl" }
wheels = [
    { filename = "tiny-1.0-py3-none-any.whl", hash = "sha256:22dc6d036b359cb2927ae38c618e3a5ddb06bf14cbd389cfe355c7d13eccdf6e" },
]
)";

struct LockedCase {
  const char* manifest;
  const char* lock_file;
  const char* lock;
  const char* says;  ///< the tool, as it installs
};
class LockedProjectTest : public ArtifactBuilderTest,
                          public testing::WithParamInterface<LockedCase> {};

TEST_P(LockedProjectTest, InstallsWhatItsLockFileNames) {
  const auto made =
      os::output_of({.argv = {"python3", "-c", kMakeWheel}, .folder = repository_.path().string()});
  ASSERT_TRUE(made.has_value()) << made.error().message;
  repository_.write("pyproject.toml", GetParam().manifest);
  repository_.write(GetParam().lock_file, GetParam().lock);
  repository_.write("main.py", "import tiny\nprint(tiny.ANSWER)\n");
  repository_.commit("app");
  const auto outcome = check("python main.py && python -c 'import sys; print(sys.prefix)'");
  ASSERT_TRUE(outcome.has_value()) << outcome.error().message << "\n" << log_;
  EXPECT_EQ(outcome->last_lines, "42\n/app/.venv") << log_;
  const fs::path tree = built_tree();
  EXPECT_FALSE(tree.empty());
  EXPECT_THAT(log_, HasSubstr(GetParam().says));
}
INSTANTIATE_TEST_SUITE_P(
    Tools, LockedProjectTest,
    testing::Values(LockedCase{kPoetryProject, "poetry.lock", kPoetryLock, "Installing tiny"},
                    LockedCase{kUvProject, "uv.lock", kUvLock, "+ tiny==1.0"}),
    [](const auto& each) { return std::string(each.index == 0 ? "Poetry" : "Uv"); });

TEST_F(ArtifactBuilderTest, NodePackagesComeFromTheLockFile) {
  repository_.write(
      "front/package.json",
      R"({"name": "front", "version": "1.0.0", "dependencies": {"isarray": "2.0.5"}})");
  repository_.write(
      "front/package-lock.json",
      R"({"name": "front", "version": "1.0.0", "lockfileVersion": 3, "requires": true, "packages": {
        "": {"name": "front", "version": "1.0.0", "dependencies": {"isarray": "2.0.5"}},
        "node_modules/isarray": {"version": "2.0.5"}}})");
  repository_.commit("one");
  model::BuildSpec build{.kind = model::BuildKind::kNode,
                         .run = {"node -e \"console.log(require('isarray')([]))\" > out"}};
  spec_.processes = {{.name = "web", .root = "front", .build = build}};
  const fs::path tree = built_tree();
  EXPECT_EQ(text_of(tree / "front/out"), "true\n");
  EXPECT_TRUE(fs::exists(tree / "front/node_modules/isarray/package.json"));
  repository_.write("front/index.js", "1\n");
  repository_.commit("code only");
  built_tree();
  EXPECT_THAT(log_, HasSubstr("package-lock.json is unchanged"));
}

constexpr auto kYarnLock = R"(# yarn lockfile v1


isarray@2.0.3:
  version "2.0.3"
  integrity sha512-KhjEV7y7pkyOeEZfHnN3aad5508EleFYsMhZXxr5Xo+Gh2gNA02Me6K0BYKiYHb6dw+q7XknaopupAgzCzoCJQ==

ms@2.1.3:
  version "2.1.3"
  integrity sha512-6FlzubTLZG3J2a/NVCAleEhjzq5oxgHyaCU9yYXvcLsvoVaHJq/s5xXI6/XXP6tz7R9xAOtHnSO/tXtF3WRTlA==
)";
constexpr auto kPnpmLock = R"(lockfileVersion: '9.0'

importers:

  .:
    dependencies:
      isarray:
        specifier: 2.0.3
        version: 2.0.3
    devDependencies:
      ms:
        specifier: 2.1.3
        version: 2.1.3

packages:

  isarray@2.0.3:
    resolution: {integrity: sha512-KhjEV7y7pkyOeEZfHnN3aad5508EleFYsMhZXxr5Xo+Gh2gNA02Me6K0BYKiYHb6dw+q7XknaopupAgzCzoCJQ==}

  ms@2.1.3:
    resolution: {integrity: sha512-6FlzubTLZG3J2a/NVCAleEhjzq5oxgHyaCU9yYXvcLsvoVaHJq/s5xXI6/XXP6tz7R9xAOtHnSO/tXtF3WRTlA==}

snapshots:

  isarray@2.0.3: {}

  ms@2.1.3: {}
)";
struct NodeLock {
  const char* name;  ///< of the manager, as gtest wants it
  const char* file;
  const char* text;
};
class NodeLockTest : public ArtifactBuilderTest, public testing::WithParamInterface<NodeLock> {
 protected:
  void write_package(const std::string& dependencies) {
    repository_.write("package.json", R"({"name": "front", "version": "1.0.0", "dependencies": {)" +
                                          dependencies +
                                          R"(}, "devDependencies": {"ms": "2.1.3"}})");
  }
};

TEST_P(NodeLockTest, SaysWhichPackagesAreInstalledAndByWhom) {
  write_package(R"("isarray": "2.0.3")");
  repository_.write(GetParam().file, GetParam().text);
  repository_.commit("one");
  spec_.build = {.kind = model::BuildKind::kNode};
  const fs::path tree = built_tree();
  EXPECT_THAT(text_of(tree / "node_modules/isarray/package.json"), HasSubstr("\"2.0.3\""));
  EXPECT_FALSE(fs::exists(tree / "node_modules/ms")) << "a development package";
  EXPECT_FALSE(fs::exists(tree / "node_modules/.modules.yaml")) << "it holds the time";
  repository_.write("index.js", "1\n");
  repository_.commit("code only");
  built_tree();
  EXPECT_THAT(log_, HasSubstr(std::string(GetParam().file) + " is unchanged"));
}

TEST_P(NodeLockTest, ThatDoesNotFitIsSaidAndKeptToAsFarAsItGoes) {
  write_package(R"("isarray": "2.0.3", "inherits": "2.0.4")");
  repository_.write(GetParam().file, GetParam().text);
  repository_.commit("one");
  spec_.build = {.kind = model::BuildKind::kNode,
                 .run = {std::string(GetParam().name) + " --version"}};
  const fs::path tree = built_tree();
  EXPECT_THAT(log_, HasSubstr(std::string(GetParam().file) + " does not fit package.json"));
  EXPECT_TRUE(fs::exists(tree / "node_modules/inherits/package.json"));
  EXPECT_THAT(text_of(tree / "node_modules/isarray/package.json"), HasSubstr("\"2.0.3\""));
}

INSTANTIATE_TEST_SUITE_P(Managers, NodeLockTest,
                         testing::Values(NodeLock{"yarn", "yarn.lock", kYarnLock},
                                         NodeLock{"pnpm", "pnpm-lock.yaml", kPnpmLock}),
                         [](const auto& each) { return std::string(each.param.name); });

TEST_F(ArtifactBuilderTest, GoProgramsAreBuiltIntoBin) {
  repository_.write("go.mod", "module example.org/hello\n\ngo 1.18\n");
  repository_.write("main.go", "package main\n\nfunc main() { println(\"hello\") }\n");
  repository_.commit("one");
  const fs::path tree = built_tree();
  EXPECT_TRUE(fs::is_regular_file(tree / "bin/hello")) << log_;
}

TEST_F(ArtifactBuilderTest, AVersionThatTheMachineLacksIsNamedBesideWhatThereIs) {
  repository_.write("requirements.txt", "");
  repository_.commit("one");
  spec_.build = {.kind = model::BuildKind::kPython, .version = "2.99"};
  const Error error = build_error();
  EXPECT_EQ(error.kind, ErrorKind::kNotFound);
  EXPECT_THAT(error.message, HasSubstr("no Python 2.99"));
  EXPECT_THAT(error.message, HasSubstr("/usr/bin/python3"));
}

TEST_F(ArtifactBuilderTest, ImagesAreRefusedInSoManyWords) {
  spec_.build = {.kind = model::BuildKind::kDockerfile, .source = "Dockerfile"};
  repository_.commit("one");
  const Error error = build_error();
  EXPECT_EQ(error.kind, ErrorKind::kRefused);
  EXPECT_THAT(error.message, HasSubstr("not available yet"));
}

TEST_F(ArtifactBuilderTest, AChecksExitCodeAndCoverageAreReported) {
  repository_.write("tests.sh", "echo 'TOTAL      100     13    87%'\nexit 3\n");
  repository_.commit("one");
  const auto outcome = check("sh tests.sh");
  ASSERT_TRUE(outcome.has_value()) << outcome.error().message;
  EXPECT_EQ(outcome->exit_code, 3);
  EXPECT_DOUBLE_EQ(outcome->coverage.value_or(0), 0.87);
}

TEST_F(ArtifactBuilderTest, ReclaimLeavesWhatIsPinnedAndRemovesTheRest) {
  spec_.build = {.kind = model::BuildKind::kCommand};
  repository_.write("a", std::string(10'000, '1'));
  repository_.commit("one");
  const auto kept = build();
  repository_.write("a", std::string(10'000, '2'));
  repository_.commit("two");
  const auto dropped = build();
  ASSERT_TRUE(kept.has_value() && dropped.has_value());
  fs::create_directories(data_ / "artifacts" / std::string(64, 'a') / "tree");
  EXPECT_EQ(builder_.list()->size(), 2U);
  EXPECT_GE(builder_.reclaim({kept->digest}, true).value_or(0), 10'000U);
  EXPECT_EQ(builder_.list()->size(), 2U);
  EXPECT_GE(builder_.reclaim({kept->digest}, false).value_or(0), 10'000U);
  EXPECT_TRUE(builder_.path_of(kept->digest).has_value());
  EXPECT_EQ(builder_.path_of(dropped->digest).error().kind, ErrorKind::kNotFound);
  EXPECT_TRUE(fs::exists(data_ / "artifacts" / std::string(64, 'a'))) << "it has no label of ours";
}

TEST_F(ArtifactBuilderTest, WhatWasJustBuiltIsSparedUntilItsReleaseIsRecorded) {
  ArtifactBuilder careful(data_, vcs_);
  spec_.build = {.kind = model::BuildKind::kCommand};
  repository_.write("a", "1");
  repository_.commit("one");
  const auto built = build(builder_, vcs_);
  ASSERT_TRUE(built.has_value());
  // Built long ago and found again is no different from built now.
  const auto reused = build(careful, vcs_);
  ASSERT_TRUE(reused.has_value());
  EXPECT_EQ(reused->digest, built->digest);
  ASSERT_TRUE(careful.reclaim({}, false).has_value());
  EXPECT_TRUE(careful.path_of(built->digest).has_value());
  ASSERT_TRUE(builder_.reclaim({}, false).has_value());
  EXPECT_FALSE(builder_.path_of(built->digest).has_value());
}

bool has_memory_groups() {
  return fs::exists("/sys/fs/cgroup/memory") || fs::exists("/sys/fs/cgroup/cgroup.controllers");
}

std::vector<fs::path> groups_of_builder(pid_t builder) {
  std::vector<fs::path> groups;
  for (const char* parent : {"/sys/fs/cgroup", "/sys/fs/cgroup/memory", "/sys/fs/cgroup/pids"}) {
    std::error_code error;
    for (const auto& entry : fs::directory_iterator(parent, error)) {
      const std::string name = entry.path().filename();
      if (name.starts_with("ecluse-build-" + std::to_string(builder) + "-")) {
        groups.push_back(entry.path());
      }
    }
  }
  return groups;
}

TEST_F(ArtifactBuilderTest, ABuildThatIsKilledLeavesNoArtifactAndIsCleanedUp) {
  spec_.build = {.kind = model::BuildKind::kCommand, .run = {"echo started; sleep 600"}};
  repository_.commit("one");
  int started[2];
  ASSERT_EQ(::pipe(started), 0);
  const pid_t child = ::fork();
  if (child == 0) {
    (void)build(builder_, vcs_, [&](std::string_view line) {
      if (line == "started") (void)!::write(started[1], "x", 1);
    });
    ::_exit(0);
  }
  ::close(started[1]);
  char byte = 0;
  ASSERT_EQ(::read(started[0], &byte, 1), 1);
  ::kill(child, SIGKILL);
  int status = 0;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  ASSERT_TRUE(WIFSIGNALED(status));
  ::close(started[0]);

  EXPECT_EQ(folders_on_shelf(), 1U);
  EXPECT_TRUE(builder_.list()->empty());
  EXPECT_FALSE(has_memory_groups() && groups_of_builder(child).empty());
  const auto freed = builder_.clear_left_behind();
  ASSERT_TRUE(freed.has_value()) << freed.error().message;
  EXPECT_EQ(folders_on_shelf(), 0U);
  EXPECT_TRUE(groups_of_builder(child).empty());
  spec_.build.run = {"echo done > x"};
  EXPECT_TRUE(build().has_value());
}

TEST_F(ArtifactBuilderTest, AFullDiskIsExhaustedAndCleanedUp) {
  const fs::path small = home_.path() / "small";
  fs::create_directories(small);
  ASSERT_EQ(::mount("ecluse-test", small.c_str(), "tmpfs", 0, "size=4m"), 0);
  {
    GitVcs vcs(small);
    ArtifactBuilder builder(small, vcs);
    spec_.build = {.kind = model::BuildKind::kCommand,
                   .run = {"dd if=/dev/zero of=big bs=1M count=16"}};
    repository_.commit("one");
    const auto artifact = build(builder, vcs);
    ASSERT_FALSE(artifact.has_value());
    EXPECT_EQ(artifact.error().kind, ErrorKind::kExhausted) << artifact.error().message;
    EXPECT_TRUE(fs::is_empty(small / "artifacts"));
    spec_.build.run = {"echo small > enough"};
    const auto second = build(builder, vcs);
    EXPECT_TRUE(second.has_value()) << second.error().message;
  }
  EXPECT_EQ(::umount(small.c_str()), 0);
}

/// In a child that gives root up: the exit code says whether all went well.
template <typename F>
int exit_code_as_user(std::uint32_t uid, F&& f) {
  const pid_t child = ::fork();
  if (child == 0) {
    const bool dropped = ::setresgid(uid, uid, uid) == 0 && ::setresuid(uid, uid, uid) == 0;
    ::_exit(dropped && f() ? 0 : 1);
  }
  int status = 0;
  ::waitpid(child, &status, 0);
  return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

TEST_F(ArtifactBuilderTest, WithoutRootItIsBuiltInItsPlaceAndSaysSo) {
  spec_.build = {.kind = model::BuildKind::kCommand, .run = {"pwd > where"}};
  repository_.commit("one");
  const std::uint32_t uid = 12345;
  ASSERT_TRUE(give_to(home_.path(), uid).has_value());
  const int code = exit_code_as_user(uid, [&] {
    const auto first = build();
    const auto again = build();
    if (!first || !again || log_.find("reusing") == std::string::npos) return false;
    const std::string place = builder_.path_of(first->digest).value_or("");
    const bool in_place = text_of(fs::path(place) / "where") == place + "\n";
    const bool listed = builder_.list()->size() == 1;
    const bool kept = builder_.reclaim({first->digest}, false) && fs::exists(place);
    return in_place && listed && kept && builder_.reclaim({}, false) && folders_on_shelf() == 0;
  });
  EXPECT_EQ(code, 0);
}

TEST_F(ArtifactBuilderTest, TooMuchMemoryIsExhaustedAndSaysHowMuchThereIs) {
  if (!has_memory_groups()) GTEST_SKIP() << "needs control groups";
  BuilderOptions options;
  options.bounds.memory_bytes_max = 64 << 20;
  ArtifactBuilder poor(data_, vcs_, options);
  spec_.build = {.kind = model::BuildKind::kCommand,
                 .run = {"exec /usr/bin/python3 -c \"x = b'1' * (300 << 20)\""}};
  repository_.commit("one");
  const auto artifact = build(poor, vcs_);
  ASSERT_FALSE(artifact.has_value());
  EXPECT_EQ(artifact.error().kind, ErrorKind::kExhausted) << artifact.error().message;
  EXPECT_THAT(artifact.error().message, HasSubstr("64 MiB"));
}

TEST_F(ArtifactBuilderTest, CommandsEndInTimeWithAllTheyStarted) {
  BuilderOptions options;
  options.step_timeout = std::chrono::milliseconds(500);
  ArtifactBuilder hasty(data_, vcs_, options);
  spec_.build = {.kind = model::BuildKind::kCommand, .run = {"sleep 600 & sleep 600"}};
  repository_.commit("one");
  const auto artifact = build(hasty, vcs_);
  ASSERT_FALSE(artifact.has_value());
  EXPECT_EQ(artifact.error().kind, ErrorKind::kTimeout);
  EXPECT_EQ(folders_on_shelf(), 0U);
}

}  // namespace
}  // namespace ecluse::artifact
