#include "gateway/static_files.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>

#include "gateway/testing.h"

namespace ecluse::gateway {
namespace {

using namespace testing;
namespace fs = std::filesystem;

/// Fields of a request; the texts must outlive it.
http1::Fields fields(std::initializer_list<std::pair<std::string_view, std::string_view>> all) {
  http1::Fields made;
  for (const auto& [name, value] : all) made.slots[made.count++] = {name, value};
  return made;
}

class StaticFiles : public ::testing::Test {
 protected:
  StaticFiles() {
    fs::create_directories(root() / "css");
    write("css/app.css", "plain css");
    write("css/app.css.br", "br");
    write("css/app.css.gz", "gzip");
    write("photo.jpg", std::string(1000, 'p'));
    write("index.html", "home");
    std::ofstream(folder_.path() / "secret") << "secret";
    fs::create_symlink(folder_.path() / "secret", root() / "absolute");
    fs::create_symlink("../secret", root() / "outside");
    fs::create_symlink("css/app.css", root() / "inside.css");
    EXPECT_EQ(::mkfifo((root() / "fifo").c_str(), 0600), 0);
    route_.prefix = "/static";
    route_.roots.push_back(
        std::make_shared<const os::Fd>(::open(root().c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC)));
  }
  fs::path root() const { return folder_.path() / "root"; }
  void write(const std::string& name, const std::string& text) {
    std::ofstream(root() / name) << text;
  }
  std::optional<StaticFile> open(const std::string& path, const http1::Fields& asked = {}) {
    const auto name = relative_name(path, route_.prefix);
    return name ? open_static(route_, *name, asked) : std::nullopt;
  }

  TemporaryFolder folder_;
  FolderRoute route_;
};

TEST_F(StaticFiles, AreFoundByTheirPath) {
  const auto file = open("/static/css/app.css?v=1");
  ASSERT_TRUE(file);
  EXPECT_EQ(file->bytes, 9U);
  EXPECT_EQ(file->type, "text/css; charset=utf-8");
  EXPECT_EQ(file->encoding, "");
  EXPECT_TRUE(file->varies);
  EXPECT_TRUE(open("/static/"));
  EXPECT_TRUE(open("/static/%63ss/app.css"));
  EXPECT_TRUE(open("/static/inside.css"));
}

TEST_F(StaticFiles, NothingOutsideOfTheFolderIs) {
  for (const char* path :
       {"/static/../secret", "/static/%2e%2e/secret", "/static/css/../../secret", "/static/outside",
        "/static/absolute", "/static//etc/passwd", "/static/..%2fsecret", "/static/css%2fapp.css",
        "/static/css\\..\\secret", "/static/a%00b", "/static/%", "/static/.git", "/static/fifo",
        "/static/css", "/static/missing"}) {
    EXPECT_FALSE(open(path)) << path;
  }
}

TEST_F(StaticFiles, LongestPrefixAnswersAndOnlyBelowIt) {
  std::vector<FolderRoute> folders(2);
  folders[0].prefix = "/s";
  folders[1].prefix = "/s/deep";
  EXPECT_EQ(folder_for(folders, "/s/x"), &folders[0]);
  EXPECT_EQ(folder_for(folders, "/s/deep/x"), &folders[1]);
  EXPECT_EQ(folder_for(folders, "/sx/y"), nullptr);
  EXPECT_EQ(folder_for(folders, "/?/s/x"), nullptr);
}

TEST_F(StaticFiles, PrecompressedOnesGoToWhoAcceptsThem) {
  const auto coding = [&](std::string_view accepted) {
    const auto file = open("/static/css/app.css", fields({{"Accept-Encoding", accepted}}));
    return file ? std::string(file->encoding) : "missing";
  };
  EXPECT_EQ(coding("gzip, deflate, br"), "br");
  EXPECT_EQ(coding("gzip"), "gzip");
  EXPECT_EQ(coding("br;q=0, gzip;q=0.5"), "gzip");
  EXPECT_EQ(coding("identity"), "");
  const auto part =
      open("/static/css/app.css", fields({{"Accept-Encoding", "br"}, {"Range", "bytes=0-1"}}));
  ASSERT_TRUE(part);
  EXPECT_EQ(part->encoding, "");
}

TEST_F(StaticFiles, AnotherReleaseHasAnotherTagForTheSameDateAndSize) {
  const auto tag = open("/static/photo.jpg")->entity_tag;
  route_.salt = 7;
  EXPECT_NE(open("/static/photo.jpg")->entity_tag, tag);
}

TEST_F(StaticFiles, ConditionsAreObeyed) {
  const auto file = open("/static/photo.jpg");
  ASSERT_TRUE(file);
  const std::string& tag = file->entity_tag;
  const auto status = [&](std::string_view name, const std::string& value) {
    return share_of("GET", fields({{name, value}}), *file).status;
  };
  EXPECT_EQ(status("If-None-Match", tag), 304);
  EXPECT_EQ(status("if-none-match", "\"x\", W/" + tag), 304);
  EXPECT_EQ(status("If-None-Match", "\"x\""), 200);
  EXPECT_EQ(status("If-Modified-Since", file->modified), 304);
  EXPECT_EQ(status("If-Modified-Since", "Sun, 06 Nov 1994 08:49:37 GMT"), 200);
  EXPECT_EQ(status("If-Match", "W/" + tag), 412);
  EXPECT_EQ(status("If-Match", tag), 200);
  EXPECT_EQ(status("If-Unmodified-Since", "Sun, 06 Nov 1994 08:49:37 GMT"), 412);
  // The tag knows better than the date.
  const auto both = fields({{"If-None-Match", "\"x\""}, {"If-Modified-Since", file->modified}});
  EXPECT_EQ(share_of("GET", both, *file).status, 200);
}

TEST_F(StaticFiles, OneRangeIsAPartAndWhatIsNoneIsTheWhole) {
  const auto file = open("/static/photo.jpg");
  ASSERT_TRUE(file);
  const auto range = [&](std::string_view value) {
    const Share share = share_of("GET", fields({{"Range", value}}), *file);
    return std::tuple(share.status, share.begin, share.end);
  };
  EXPECT_EQ(range("bytes=0-0"), std::tuple(206, 0, 1));
  EXPECT_EQ(range("bytes=900-"), std::tuple(206, 900, 1000));
  EXPECT_EQ(range("bytes=-100"), std::tuple(206, 900, 1000));
  EXPECT_EQ(range("bytes=-5000"), std::tuple(206, 0, 1000));
  EXPECT_EQ(range("bytes=10-5000"), std::tuple(206, 10, 1000));
  EXPECT_EQ(range("bytes=1000-"), std::tuple(416, 0, 0));
  EXPECT_EQ(range("bytes=-0"), std::tuple(416, 0, 0));
  for (const char* whole : {"bytes=5-2", "bytes=0-1,3-4", "bytes=", "bytes=-", "lines=1-2",
                            "bytes=99999999999999999999-", "bytes= 1-2"}) {
    EXPECT_EQ(std::get<0>(range(whole)), 200) << whole;
  }
  const auto old = fields({{"Range", "bytes=0-0"}, {"If-Range", "\"old\""}});
  EXPECT_EQ(share_of("GET", old, *file).status, 200);
}

TEST_F(StaticFiles, ARangeIsForGetAlone) {  // RFC 9110 section 14.2
  const auto file = open("/static/photo.jpg");
  ASSERT_TRUE(file);
  const auto beyond = fields({{"Range", "bytes=1000-"}});
  EXPECT_EQ(share_of("GET", beyond, *file).status, 416);
  EXPECT_EQ(share_of("HEAD", beyond, *file).status, 200);
}

TEST_F(StaticFiles, ATagInASecondLineIsInTheList) {  // RFC 9110 section 5.3
  const auto file = open("/static/photo.jpg");
  ASSERT_TRUE(file);
  const auto status = [&](std::string_view name) {
    return share_of("GET", fields({{name, "\"x\""}, {name, file->entity_tag}}), *file).status;
  };
  EXPECT_EQ(status("If-None-Match"), 304);
  EXPECT_EQ(status("If-Match"), 200);
}

TEST_F(StaticFiles, DatesAreComparedAsDates) {  // RFC 9110 sections 5.6.7 and 13.1
  constexpr std::time_t kNovember1994 = 784111777;
  fs::last_write_time(
      root() / "photo.jpg",
      fs::file_time_type::clock::from_sys(std::chrono::system_clock::from_time_t(kNovember1994)));
  const auto file = open("/static/photo.jpg");
  ASSERT_TRUE(file);
  EXPECT_EQ(file->modified, "Sun, 06 Nov 1994 08:49:37 GMT");
  const auto status = [&](std::string_view name, std::string_view date) {
    return share_of("GET", fields({{name, date}, {"Range", "bytes=0-0"}}), *file).status;
  };
  for (const char* same : {"Sun, 06 Nov 1994 08:49:37 GMT", "Sunday, 06-Nov-94 08:49:37 GMT",
                           "Sun Nov  6 08:49:37 1994"}) {
    EXPECT_EQ(status("If-Modified-Since", same), 304) << same;
    EXPECT_EQ(status("If-Unmodified-Since", same), 206) << same;
    EXPECT_EQ(status("If-Range", same), 206) << same;
  }
  EXPECT_EQ(status("If-Unmodified-Since", "Mon, 07 Nov 1994 08:49:37 GMT"), 206);
  EXPECT_EQ(status("If-Unmodified-Since", "Sun, 06 Nov 1994 08:49:36 GMT"), 412);
  EXPECT_EQ(status("If-Unmodified-Since", "once upon a time"), 206);
  EXPECT_EQ(status("If-Range", "Mon, 07 Nov 1994 08:49:37 GMT"), 200);
}

}  // namespace
}  // namespace ecluse::gateway
