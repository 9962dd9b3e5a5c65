#pragma once
// A real git repository for tests, made by the git program.

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "base/text.h"
#include "os/subprocess.h"
#include "os/temp_folder.h"

namespace ecluse::artifact {

class TestRepository {
 public:
  explicit TestRepository(std::filesystem::path folder) : folder_(std::move(folder)) {
    std::filesystem::create_directories(folder_);
    git({"init", "--quiet", "--initial-branch=main"});
  }

  const std::filesystem::path& path() const { return folder_; }

  void write(const std::string& file, std::string_view text, bool runs = false) const {
    const auto place = folder_ / file;
    std::filesystem::create_directories(place.parent_path());
    std::ofstream(place, std::ios::binary) << text;
    using std::filesystem::perms;
    std::filesystem::permissions(place, runs ? perms(0755) : perms(0644));
  }
  void link(const std::string& target, const std::string& file) const {
    std::filesystem::create_symlink(target, folder_ / file);
  }
  /// Commits everything; returns the SHA.
  std::string commit(const std::string& message, const std::string& author = "Ann Onymous") const {
    git({"add", "--all", "--force"});
    git({"-c", "user.name=" + author, "commit", "--quiet", "--allow-empty", "--message", message});
    return head();
  }
  std::string head() const { return git({"rev-parse", "HEAD"}); }

  std::string git(std::vector<std::string> arguments) const {
    std::vector<std::string> argv = {"git",
                                     "-C",
                                     folder_.string(),
                                     "-c",
                                     "user.name=Ann Onymous",
                                     "-c",
                                     "user.email=ann@example.org",
                                     "-c",
                                     "protocol.file.allow=always",
                                     "-c",
                                     "core.autocrlf=false"};
    argv.insert(argv.end(), arguments.begin(), arguments.end());
    auto said = os::output_of({.argv = argv,
                               .env = {{"GIT_CONFIG_GLOBAL", "/dev/null"},
                                       {"GIT_CONFIG_NOSYSTEM", "1"},
                                       {"GIT_COMMITTER_DATE", "2026-02-03T04:05:06Z"},
                                       {"GIT_AUTHOR_DATE", "2026-02-03T04:05:06Z"}}});
    EXPECT_TRUE(said.has_value()) << (said ? "" : said.error().message);
    return said ? std::string(trim(*said)) : std::string();
  }

 private:
  std::filesystem::path folder_;
};

inline std::string text_of(const std::filesystem::path& file) {
  std::ifstream in(file, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

}  // namespace ecluse::artifact
