// Static folders over the wire, from the release that the client is routed to.
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "gateway/testing_sites.h"

namespace ecluse::gateway {
namespace {

using namespace testing;
namespace fs = std::filesystem;

class Folders : public ::testing::Test {
 protected:
  Folders() {
    write("one/app.js", "one();");
    write("two/app.js", "two();");
    write("one/large", large_);
    write("built/only.css", "built");
    write("built/app.js", "below");
  }
  void write(const std::string& name, const std::string& text) {
    fs::create_directories((files_.path() / name).parent_path());
    std::ofstream(files_.path() / name, std::ios::binary) << text;
  }
  ports::Arm arm_with(model::ReleaseNumber release, std::uint32_t weight,
                      const std::string& folder) {
    ports::Arm made = arm(release, weight, app_);
    made.folders = {
        {"/static", {(files_.path() / folder).string(), (files_.path() / "built").string()}}};
    return made;
  }
  void serve(std::vector<ports::Arm> arms) {
    const auto applied = served_.traffic.apply(site(std::move(arms)), decisions_.next());
    ASSERT_TRUE(applied) << applied.error().message;
  }
  std::string answer(const std::string& path, const std::string& fields = "") {
    return answer_to(served_.port(), get("a", path, fields));
  }

  const std::string large_ = [] {
    std::string text(3'000'000, '\0');
    for (std::size_t i = 0; i < text.size(); ++i) text[i] = static_cast<char>(i * 31 >> 3);
    return text;
  }();
  TemporaryFolder files_;
  RecordingApp app_;
  Decisions decisions_;
  Served served_;
};

TEST_F(Folders, AreAnsweredWithoutTheApp) {
  serve({arm_with(1, kAll, "one")});
  const std::string script = answer("/static/app.js");
  EXPECT_EQ(status_of(script), 200);
  EXPECT_EQ(body_of(script), "one();");
  EXPECT_EQ(value_of(script, "Content-Type"), "text/javascript; charset=utf-8");
  EXPECT_EQ(value_of(script, "X-Ecluse-Release"), "1");
  EXPECT_EQ(body_of(answer("/static/only.css")), "built");
  EXPECT_EQ(status_of(answer("/static/missing.js")), 404);
  EXPECT_EQ(status_of(answer("/static/../../../../etc/passwd")), 404);
  EXPECT_EQ(app_.received(), "");
  EXPECT_EQ(body_of(answer("/other")), "ok");
}

TEST_F(Folders, LargeFilesComeWholeAndInParts) {
  serve({arm_with(1, kAll, "one")});
  EXPECT_EQ(body_of(answer("/static/large")), large_);
  const std::string part = answer("/static/large", "Range: bytes=1000000-2999998\r\n");
  EXPECT_EQ(status_of(part), 206);
  EXPECT_EQ(value_of(part, "Content-Range"), "bytes 1000000-2999998/3000000");
  EXPECT_EQ(body_of(part), large_.substr(1'000'000, 1'999'999));
  const std::string beyond = answer("/static/large", "Range: bytes=3000000-\r\n");
  EXPECT_EQ(status_of(beyond), 416);
  EXPECT_EQ(value_of(beyond, "Content-Range"), "bytes */3000000");
}

TEST_F(Folders, OneConnectionCarriesManyAndConditionsSaveTheBody) {
  serve({arm_with(1, kAll, "one")});
  RawClient client(served_.port());
  constexpr std::string_view kAsk = "GET /static/app.js HTTP/1.1\r\nHost: a\r\n";
  ASSERT_TRUE(client.send(std::string(kAsk) + "\r\n"));
  const std::string first = client.read_answer();
  EXPECT_EQ(body_of(first), "one();");
  ASSERT_TRUE(
      client.send(std::string(kAsk) + "If-None-Match: " + value_of(first, "ETag") + "\r\n\r\n"));
  EXPECT_NE(client.read_until("\r\n\r\n").find("HTTP/1.1 304 Not Modified\r\n"), std::string::npos);
  ASSERT_TRUE(
      client.send("HEAD /static/large HTTP/1.1\r\nHost: a\r\n\r\n"
                  "POST /static/app.js HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n"
                  "Connection: close\r\n\r\n"));
  const std::string rest = client.read_to_end();
  EXPECT_NE(rest.find("Content-Length: 3000000\r\n"), std::string::npos);
  EXPECT_NE(rest.find("\r\n\r\nHTTP/1.1 405 Method Not Allowed\r\n"), std::string::npos);
  EXPECT_NE(rest.find("Allow: GET, HEAD\r\n"), std::string::npos);
}

TEST_F(Folders, EachReleaseHasItsOwn) {
  serve({arm_with(1, 0, "one"), arm_with(2, kAll, "two")});
  const std::string two = answer("/static/app.js");
  EXPECT_EQ(body_of(two), "two();");
  serve({arm_with(1, kAll, "one"), arm_with(2, 0, "two")});
  // The same size and perhaps the same second: the tag still tells them apart.
  const std::string one =
      answer("/static/app.js", "If-None-Match: " + value_of(two, "ETag") + "\r\n");
  EXPECT_EQ(status_of(one), 200);
  EXPECT_EQ(body_of(one), "one();");
}

TEST_F(Folders, AHashedNameThatOnlyTheOtherReleaseHasComesFromThere) {
  write("two/app-4f3a9c1e.js", "two");
  serve({arm_with(1, kAll, "one"), arm_with(2, 0, "two")});
  const std::string found = answer("/static/app-4f3a9c1e.js");
  EXPECT_EQ(body_of(found), "two");
  EXPECT_EQ(value_of(found, "X-Ecluse-Release"), "2");
  EXPECT_EQ(status_of(answer("/static/app-00009c1e.js")), 404);
  EXPECT_EQ(app_.received(), "");
}

TEST_F(Folders, OutliveARestart) {
  serve({arm_with(1, kAll, "one")});
  served_.restart();
  EXPECT_EQ(body_of(answer("/static/app.js")), "one();");
}

}  // namespace
}  // namespace ecluse::gateway
