#include "artifact/git_vcs.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include "artifact/git_test_repository.h"

namespace ecluse::artifact {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;
using testing::Not;

class GitVcsTest : public testing::Test {
 protected:
  Result<model::Commit> resolve(const std::string& ref) {
    return vcs_.resolve("shop", repository_.path(), ref);
  }
  /// The tree of `sha`; the test fails when there is none.
  fs::path tree_of(const std::string& sha) {
    const fs::path into = home_.path() / ("tree-" + sha);
    fs::create_directories(into);
    const auto done = vcs_.checkout("shop", sha, into);
    EXPECT_TRUE(done.has_value()) << (done ? "" : done.error().message);
    return into;
  }
  Error checkout_error(const std::string& sha) {
    const fs::path into = home_.path() / ("refused-" + sha);
    fs::create_directories(into);
    const auto done = vcs_.checkout("shop", sha, into);
    EXPECT_FALSE(done.has_value());
    return done ? Error{} : done.error();
  }

  os::TempFolder home_;
  TestRepository repository_{home_.path() / "repos" / "shop"};
  GitVcs vcs_{home_.path() / "data"};
};

TEST_F(GitVcsTest, ResolvesBranchTagFullAndShortShaHeadAndStepsBack) {
  repository_.write("a", "1");
  const std::string first = repository_.commit("first");
  repository_.git({"tag", "v1"});
  repository_.git({"tag", "-a", "-m", "annotated", "v1-annotated"});
  repository_.write("a", "2");
  const std::string second = repository_.commit("second");
  repository_.git({"branch", "feature/x"});
  for (const std::string& ref : {std::string("v1"), std::string("v1-annotated"), first,
                                 first.substr(0, 8), std::string("main~1")}) {
    const auto commit = resolve(ref);
    ASSERT_TRUE(commit.has_value()) << ref << ": " << commit.error().message;
    EXPECT_EQ(commit->sha, first) << ref;
  }
  for (const std::string ref : {"main", "HEAD", "feature/x"}) {
    const auto commit = resolve(ref);
    ASSERT_TRUE(commit.has_value()) << ref << ": " << commit.error().message;
    EXPECT_EQ(commit->sha, second) << ref;
  }
}

TEST_F(GitVcsTest, SeesWhatWasCommittedSinceTheLastTime) {
  repository_.commit("first");
  ASSERT_TRUE(resolve("main").has_value());
  const std::string second = repository_.commit("second");
  EXPECT_EQ(resolve("main")->sha, second);
}

TEST_F(GitVcsTest, UnknownRefNamesTheNearest) {
  repository_.commit("first");
  repository_.git({"branch", "release"});
  const auto commit = resolve("relaese");
  ASSERT_FALSE(commit.has_value());
  EXPECT_EQ(commit.error().kind, ErrorKind::kNotFound);
  EXPECT_THAT(commit.error().hint, HasSubstr("did you mean release?"));
}

TEST_F(GitVcsTest, RefsThatAreNoNamesAreNotFoundAndHarmless) {
  repository_.commit("first");
  for (const std::string ref :
       {"--upload-pack=touch /tmp/x", "main:README", "$(touch x)", "a..b", "", "main@{1}", "a b"}) {
    const auto commit = resolve(ref);
    ASSERT_FALSE(commit.has_value()) << ref;
    EXPECT_EQ(commit.error().kind, ErrorKind::kNotFound) << ref;
  }
}

TEST_F(GitVcsTest, EmptyRepositorySaysSo) {
  const auto commit = resolve("main");
  ASSERT_FALSE(commit.has_value());
  EXPECT_THAT(commit.error().message, HasSubstr("has no commit yet"));
}

TEST_F(GitVcsTest, PlacesThatAreNoRepositoryAreNamed) {
  const auto missing = vcs_.resolve("shop", home_.path() / "nowhere", "main");
  ASSERT_FALSE(missing.has_value());
  EXPECT_EQ(missing.error().kind, ErrorKind::kNotFound);
  fs::create_directories(home_.path() / "plain");
  const auto plain = vcs_.resolve("shop", home_.path() / "plain", "main");
  ASSERT_FALSE(plain.has_value());
  EXPECT_EQ(plain.error().kind, ErrorKind::kNotFound) << plain.error().message;
  for (const std::string place : {"ext::sh -c touch% x", "-oProxyCommand=x", "relative/path"}) {
    const auto refused = vcs_.resolve("shop", place, "main");
    ASSERT_FALSE(refused.has_value()) << place;
    EXPECT_EQ(refused.error().kind, ErrorKind::kRefused) << place;
  }
}

TEST_F(GitVcsTest, CommitMessagesAreData) {
  const std::string subject = R"(fix "quotes" 'single' `touch pwned` $(touch pwned) ; rm \ %s {})";
  repository_.commit(subject + "\n\nbody", "O'Brien $(id) \"Q\" x");
  const auto commit = resolve("main");
  ASSERT_TRUE(commit.has_value());
  EXPECT_EQ(commit->subject, subject);
  EXPECT_EQ(commit->author, "O'Brien $(id) \"Q\" x");
  EXPECT_EQ(commit->at.ms_since_epoch, 1770091506000);
  EXPECT_FALSE(fs::exists("pwned"));
}

TEST_F(GitVcsTest, SubjectsBecomeOneLineOfBoundedUtf8) {
  repository_.git({"-c", "i18n.commitEncoding=UTF-8", "commit", "--quiet", "--allow-empty", "-m",
                   "caf\xE9 \x1b[31mred\x1b[0m\nsecond line " + std::string(5000, 'x')});
  const auto commit = resolve("main");
  ASSERT_TRUE(commit.has_value());
  EXPECT_TRUE(is_valid_utf8(commit->subject));
  EXPECT_LE(commit->subject.size(), 300U);
  EXPECT_THAT(commit->subject, Not(HasSubstr("\x1b")));
  EXPECT_THAT(commit->subject, Not(HasSubstr("\n")));
}

TEST_F(GitVcsTest, CheckoutHasTheCommitsBytesModesAndNames) {
  const std::vector<std::string> names = {"with space", "quo\"te'", "new\nline",  "caf\xC3\xA9/x",
                                          "-dash",      "$(id)",    "bad\xFFutf8"};
  for (const auto& name : names) repository_.write(name, "of " + name);
  repository_.write("run.sh", "#!/bin/sh\n", true);
  repository_.link("run.sh", "alias");
  const std::string sha = repository_.commit("names");
  repository_.write("uncommitted", "x");
  ASSERT_TRUE(resolve("main").has_value());
  const fs::path tree = tree_of(sha);
  for (const auto& name : names) EXPECT_EQ(text_of(tree / name), "of " + name);
  EXPECT_EQ(fs::status(tree / "run.sh").permissions() & fs::perms::owner_exec,
            fs::perms::owner_exec);
  EXPECT_EQ(fs::read_symlink(tree / "alias"), "run.sh");
  EXPECT_FALSE(fs::exists(tree / "uncommitted"));
  EXPECT_FALSE(fs::exists(tree / ".git"));
}

TEST_F(GitVcsTest, AttributesChangeNothingAndRunNothing) {
  const fs::path mark = home_.path() / "filter-ran";
  repository_.write(".gitattributes",
                    "*.txt text eol=crlf\n*.id ident\n*.v export-subst\nhidden export-ignore\n"
                    "*.f filter=evil\n*.lfs filter=lfs\n*.w working-tree-encoding=UTF-16\n");
  repository_.write("a.txt", "one\ntwo\n");
  repository_.write("b.id", "$Id$\n");
  repository_.write("c.v", "$Format:%H$\n");
  repository_.write("hidden", "here");
  repository_.write("d.f", "plain");
  repository_.write("e.lfs", "version https://git-lfs.github.com/spec/v1\n");
  const std::string sha = repository_.commit("attributes");
  repository_.git({"config", "filter.evil.smudge", "touch " + mark.string() + "; cat"});
  repository_.git({"config", "uploadpack.packObjectsHook", "touch " + mark.string()});
  repository_.write(".git/hooks/post-checkout", "#!/bin/sh\ntouch " + mark.string(), true);
  ASSERT_TRUE(resolve("main").has_value());
  const fs::path tree = tree_of(sha);
  EXPECT_EQ(text_of(tree / "a.txt"), "one\ntwo\n");
  EXPECT_EQ(text_of(tree / "b.id"), "$Id$\n");
  EXPECT_EQ(text_of(tree / "c.v"), "$Format:%H$\n");
  EXPECT_EQ(text_of(tree / "hidden"), "here");
  EXPECT_EQ(text_of(tree / "e.lfs"), "version https://git-lfs.github.com/spec/v1\n");
  EXPECT_FALSE(fs::exists(mark));
}

TEST_F(GitVcsTest, LinksOutOfTheTreeAreInvalidAndNamed) {
  repository_.link("/etc/passwd", "secrets");
  repository_.link("../../outside", "up");
  repository_.link("self", "self");
  const std::string sha = repository_.commit("links");
  ASSERT_TRUE(resolve("main").has_value());
  const Error error = checkout_error(sha);
  EXPECT_EQ(error.kind, ErrorKind::kInvalid);
  EXPECT_THAT(error.message, HasSubstr("secrets -> /etc/passwd"));
  EXPECT_THAT(error.message, HasSubstr("up -> ../../outside"));
  EXPECT_THAT(error.message, Not(HasSubstr("self")));
}

TEST_F(GitVcsTest, SubmodulesComeAtTheirPinnedCommit) {
  TestRepository library(home_.path() / "repos" / "library");
  library.write("code", "pinned");
  library.commit("library 1");
  repository_.git({"submodule", "--quiet", "add", library.path().string(), "libs/by path"});
  repository_.git({"submodule", "--quiet", "add", "../library", "libs/relative"});
  const std::string sha = repository_.commit("with submodules");
  library.write("code", "newer");
  library.commit("library 2");
  ASSERT_TRUE(resolve("main").has_value());
  const fs::path tree = tree_of(sha);
  EXPECT_EQ(text_of(tree / "libs/by path/code"), "pinned");
  EXPECT_EQ(text_of(tree / "libs/relative/code"), "pinned");
}

TEST_F(GitVcsTest, SubmodulesOfUnreachablePlacesAreNamed) {
  TestRepository library(home_.path() / "elsewhere" / "library");
  library.commit("library");
  repository_.git({"submodule", "--quiet", "add", library.path().string(), "lib"});
  const std::string outside = repository_.commit("outside of the allowed folder");
  ASSERT_TRUE(resolve("main").has_value());
  const Error refused = checkout_error(outside);
  EXPECT_EQ(refused.kind, ErrorKind::kRefused);
  EXPECT_THAT(refused.message, HasSubstr("submodule lib"));

  repository_.git({"config", "--file", ".gitmodules", "submodule.lib.url", "../gone"});
  const std::string gone = repository_.commit("gone");
  ASSERT_TRUE(resolve("main").has_value());
  const Error missing = checkout_error(gone);
  EXPECT_EQ(missing.kind, ErrorKind::kNotFound);
  EXPECT_THAT(missing.message, HasSubstr("submodule lib"));
}

TEST_F(GitVcsTest, ReadsOneFileOfACommitWithinABound) {
  repository_.write("ecluse.yml", "app: shop\n");
  repository_.write("sub/dir/file", "deep");
  repository_.link("ecluse.yml", "alias.yml");
  const std::string sha = repository_.commit("files");
  ASSERT_TRUE(resolve("main").has_value());
  EXPECT_EQ(vcs_.read("shop", sha, "ecluse.yml", 100).value_or(""), "app: shop\n");
  EXPECT_EQ(vcs_.read("shop", sha, "sub/dir/file", 4).value_or(""), "deep");
  EXPECT_EQ(vcs_.read("shop", sha, "sub/dir/file", 3).error().kind, ErrorKind::kExhausted);
  EXPECT_EQ(vcs_.read("shop", sha, "absent", 100).error().kind, ErrorKind::kNotFound);
  EXPECT_EQ(vcs_.read("shop", sha, "sub", 100).error().kind, ErrorKind::kNotFound);
  EXPECT_EQ(vcs_.read("shop", sha, "alias.yml", 100).error().kind, ErrorKind::kInvalid);
  EXPECT_EQ(vcs_.read("shop", "main", "ecluse.yml", 100).error().kind, ErrorKind::kInvalid);
  const std::string unknown(40, '1');
  EXPECT_EQ(vcs_.read("shop", unknown, "ecluse.yml", 100).error().kind, ErrorKind::kNotFound);
}

TEST_F(GitVcsTest, ARepositoryOfSomebodyElseIsReadAllTheSame) {
  if (::geteuid() != 0) GTEST_SKIP() << "needs root to give files away";
  const std::string sha = repository_.commit("theirs");
  for (const auto& entry : fs::recursive_directory_iterator(repository_.path())) {
    ASSERT_EQ(::lchown(entry.path().c_str(), 1234, 1234), 0);
  }
  ASSERT_EQ(::lchown(repository_.path().c_str(), 1234, 1234), 0);
  const auto commit = resolve("main");
  ASSERT_TRUE(commit.has_value()) << commit.error().message;
  EXPECT_EQ(commit->sha, sha);
}

TEST_F(GitVcsTest, ADataFolderMayBeRelative) {
  const std::string sha = repository_.commit("one");
  GitVcs relative(fs::relative(home_.path() / "relative"));
  ASSERT_TRUE(relative.resolve("shop", repository_.path(), "main").has_value());
  EXPECT_TRUE(fs::exists(home_.path() / "relative/mirrors/shop.git/HEAD"));
}

TEST_F(GitVcsTest, ATooLargeRepositoryIsExhausted) {
  std::string noise;
  unsigned state = 1;
  for (int i = 0; i < 200'000; ++i)
    noise += static_cast<char>((state = state * 1103515245U + 12345U) >> 16);
  repository_.write("noise", noise);
  const std::string sha = repository_.commit("large");
  GitVcs small(home_.path() / "small", {.pack_bytes_max = 50'000});
  const auto fetched = small.resolve("shop", repository_.path(), "main");
  ASSERT_FALSE(fetched.has_value());
  EXPECT_EQ(fetched.error().kind, ErrorKind::kExhausted) << fetched.error().message;
  GitVcs narrow(home_.path() / "narrow", {.checkout_bytes_max = 50'000});
  ASSERT_TRUE(narrow.resolve("shop", repository_.path(), "main").has_value());
  fs::create_directories(home_.path() / "into");
  EXPECT_EQ(narrow.checkout("shop", sha, home_.path() / "into").error().kind,
            ErrorKind::kExhausted);
}

}  // namespace
}  // namespace ecluse::artifact
