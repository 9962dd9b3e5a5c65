// Real repositories, the real git and pip: what a person's first deploy does.

#include "artifact/artifact_builder.h"

#include <gtest/gtest.h>
#include <stdlib.h>

#include <algorithm>

#include "artifact/git_vcs.h"
#include "os/file.h"
#include "os/subprocess.h"

namespace ecluse::artifact {
namespace {

namespace fs = std::filesystem;

class Build : public testing::Test {
 protected:
  void SetUp() override {
    std::string pattern = (fs::temp_directory_path() / "ecluse-build-XXXXXX").string();
    ASSERT_NE(::mkdtemp(pattern.data()), nullptr);
    top_ = pattern;
    fs::create_directories(repository());
    git({"init", "-q", "-b", "main"});
  }
  void TearDown() override { fs::remove_all(top_); }

  fs::path repository() const { return top_ / "repository"; }

  std::string git(std::vector<std::string> words) {
    std::vector<std::string> argv = {"git",
                                     "-c",
                                     "user.name=t",
                                     "-c",
                                     "user.email=t@example.invalid",
                                     "-c",
                                     "commit.gpgsign=false"};
    argv.insert(argv.end(), words.begin(), words.end());
    const auto output = os::output_of({.argv = argv, .folder = repository()});
    EXPECT_TRUE(output) << output.error().message;
    return output.value_or("");
  }

  void write(const std::string& name, std::string_view text) {
    fs::create_directories((repository() / name).parent_path());
    ASSERT_TRUE(os::replace_file(repository() / name, text));
  }

  model::Commit commit(const std::string& message) {
    git({"add", "-A"});
    git({"commit", "-q", "--allow-empty", "-m", message});
    auto resolved = vcs().resolve("site", repository().string(), "HEAD");
    EXPECT_TRUE(resolved) << resolved.error().message;
    return resolved.value_or(model::Commit{});
  }

  GitVcs& vcs() {
    if (!vcs_) vcs_.emplace(top_ / "data");
    return *vcs_;
  }

  /// A builder that knows nothing of what `folder` does not hold.
  ArtifactBuilder builder(const std::string& folder = "data") { return {top_ / folder, vcs()}; }

  static ports::BuildRequest request(const model::Commit& commit) {
    ports::BuildRequest request{.commit = commit};
    request.spec.app = "site";
    request.spec.name = "prod";
    return request;
  }

  ports::LineSink log() {
    return [this](std::string_view line) { lines_.emplace_back(line); };
  }
  bool logged(std::string_view words) const {
    return std::ranges::any_of(lines_, [&](const auto& l) { return l.find(words) != l.npos; });
  }

  fs::path top_;
  std::optional<GitVcs> vcs_;
  std::vector<std::string> lines_;
};

TEST_F(Build, OfAPythonAppInstallsItsRequirementsAtAPathThatIsTheSameEverywhere) {
  write("requirements.txt", "six==1.16.0\n");
  write("site.py", "import six\nprint(six.__version__)\n");
  auto maker = builder();
  const auto artifact = maker.build(request(commit("first")), log());
  ASSERT_TRUE(artifact) << artifact.error().message;
  EXPECT_EQ(artifact->digest.rfind("sha256:", 0), 0U);
  const auto tree = maker.path_of(artifact->digest);
  ASSERT_TRUE(tree) << tree.error().message;
  EXPECT_TRUE(fs::exists(fs::path(*tree) / ".venv/bin/python"));
  const auto pip = os::read_file(fs::path(*tree) / ".venv/bin/pip", 4096);
  ASSERT_TRUE(pip);
  const std::string place = is_private() ? "/app" : *tree;
  EXPECT_EQ(pip->rfind("#!" + place + "/.venv/bin/python", 0), 0U) << *pip;
}

TEST_F(Build, FromNothingTwiceGivesTheSameDigest) {
  write("requirements.txt", "six==1.16.0\n");
  write("site.py", "import six\n");
  const model::Commit head = commit("first");
  const auto first = builder("one").build(request(head), log());
  const auto second = builder("two").build(request(head), log());
  ASSERT_TRUE(first) << first.error().message;
  ASSERT_TRUE(second) << second.error().message;
  EXPECT_EQ(first->digest, second->digest);
}

TEST_F(Build, OfTheSameTreeIsReusedWhateverTheCommitSays) {
  write("run.sh", "echo hello\n");
  auto maker = builder();
  const auto first = maker.build(request(commit("first")), log());
  const auto second = maker.build(request(commit("`touch /tmp/x` $(id) \"quoted\" 'and'")), log());
  ASSERT_TRUE(first) << first.error().message;
  ASSERT_TRUE(second) << second.error().message;
  EXPECT_EQ(first->digest, second->digest);
  EXPECT_NE(first->commit, second->commit);
  EXPECT_TRUE(logged("reusing sha256:"));
}

TEST_F(Build, OfAChangedTreeHasAnotherDigest) {
  write("run.sh", "echo hello\n");
  auto maker = builder();
  const auto first = maker.build(request(commit("first")), log());
  write("run.sh", "echo hullo\n");
  const auto second = maker.build(request(commit("second")), log());
  ASSERT_TRUE(first && second);
  EXPECT_NE(first->digest, second->digest);
}

TEST_F(Build, ReadsRequirementsInUtf16) {
  const std::string utf16(
      "\xFF\xFEs\0i\0x\0=\0=\0"
      "1\0.\0"
      "1\0"
      "6\0.\0"
      "0\0\n\0",
      26);
  write("requirements.txt", utf16);
  const auto artifact = builder().build(request(commit("first")), log());
  ASSERT_TRUE(artifact) << artifact.error().message;
  EXPECT_TRUE(logged("UTF-16"));
}

TEST_F(Build, ThatFailsNamesTheRequirementAndLeavesNoArtifact) {
  write("requirements.txt", "six==0.0.99\n");
  auto maker = builder();
  const auto artifact = maker.build(request(commit("first")), log());
  ASSERT_FALSE(artifact);
  EXPECT_NE(artifact.error().message.find("six==0.0.99"), std::string::npos)
      << artifact.error().message;
  EXPECT_TRUE(maker.list().value().empty());
}

TEST_F(Build, RunsTheCommandsOfEcluseYmlInOrder) {
  write("a.txt", "a");
  auto maker = builder();
  auto asked = request(commit("first"));
  asked.spec.build.kind = model::BuildKind::kCommand;
  asked.spec.build.source = "cat a.txt a.txt > b.txt";
  asked.spec.build.run = {"cat b.txt b.txt > c.txt"};
  const auto artifact = maker.build(asked, log());
  ASSERT_TRUE(artifact) << artifact.error().message;
  const fs::path tree = maker.path_of(artifact->digest).value();
  EXPECT_EQ(os::read_file(tree / "c.txt", 100).value(), "aaaa");
}

TEST_F(Build, ThatIsNotPinnedIsReclaimedAndThePinnedOneStays) {
  write("run.sh", "one\n");
  auto maker = builder();
  const auto first = maker.build(request(commit("first")), log());
  write("run.sh", "two\n");
  const auto second = maker.build(request(commit("second")), log());
  ASSERT_TRUE(first && second);
  const auto counted = maker.reclaim({second->digest}, true);
  ASSERT_TRUE(counted) << counted.error().message;
  EXPECT_GT(*counted, 0U);
  EXPECT_TRUE(maker.path_of(first->digest));
  ASSERT_TRUE(maker.reclaim({second->digest}, false));
  EXPECT_FALSE(maker.path_of(first->digest));
  EXPECT_TRUE(maker.path_of(second->digest));
}

TEST_F(Build, CheckReportsTheExitCodeAndTheCoverage) {
  write("run.sh", "echo 'TOTAL      100     13    87%'\nexit 3\n");
  auto asked = ports::CheckRequest{.commit = commit("first")};
  asked.spec.app = "site";
  asked.spec.checks = {{.run = "sh run.sh"}};
  const auto outcome = builder().check(asked, log());
  ASSERT_TRUE(outcome) << outcome.error().message;
  EXPECT_EQ(outcome->exit_code, 3);
  ASSERT_TRUE(outcome->coverage);
  EXPECT_NEAR(*outcome->coverage, 0.87, 1e-9);
}

}  // namespace
}  // namespace ecluse::artifact
