// What /metrics says, against the running program and against Prometheus' own checker.
#include <gtest/gtest.h>
#include <sys/wait.h>

#include <cstdio>
#include <fstream>

#include "gateway/testing_sites.h"

namespace ecluse::gateway::testing {

namespace {
using ports::Site;

/// Runs `promtool check metrics` on `text`; what it complains of.
std::string complaints_of_promtool(const std::string& text) {
  const TemporaryFolder folder;
  const auto file = folder.path() / "metrics";
  std::ofstream(file) << text;
  FILE* const pipe = ::popen(("promtool check metrics < " + file.string() + " 2>&1").c_str(), "r");
  if (pipe == nullptr) return "promtool could not be started";
  std::string said;
  for (int c = std::fgetc(pipe); c != EOF; c = std::fgetc(pipe)) said += static_cast<char>(c);
  const int status = ::pclose(pipe);
  return status == 0 ? said : said + " (exit " + std::to_string(WEXITSTATUS(status)) + ")";
}
bool has_promtool() {
  return std::filesystem::exists("/usr/bin/promtool");
}

std::uint16_t free_port() {
  return RecordingApp().port();
}
std::string scrape(std::uint16_t port, const std::string& fields = "") {
  return answer_to(port, "GET /metrics HTTP/1.1\r\nHost: m\r\n" + fields + "\r\n");
}
bool says(const std::string& text, const std::string& line) {
  return text.find("\n" + line + "\n") != std::string::npos;
}

struct Measured {
  Measured()
      : metrics_port(free_port()),
        served({"--metrics", fmt::format("127.0.0.1:{}", metrics_port), "--workers", "1"}) {
    Site site7 = site({arm(7, kAll, app)});
    site7.latency_bounds = {Duration(1234)};
    EXPECT_TRUE(served.traffic.apply(site7, decisions.next()));
  }
  RecordingApp app;
  std::uint16_t metrics_port;
  Served served;
  Decisions decisions;
};
}  // namespace

TEST(Metrics, CountWhatHappenedAndHaveABucketAtEachBound) {
  Measured measured;
  RawClient client(measured.served.port());
  for (int i = 0; i < 3; ++i) {
    client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
    client.read_answer();
  }
  (void)answer_to(measured.served.port(), get("a", "/" + std::string(9000, 'x')));
  ASSERT_TRUE(eventually([&] {
    return says(scrape(measured.metrics_port),
                "ecluse_request_duration_seconds_count{app=\"lettings\",environment=\"prod\","
                "release=\"7\"} 3");
  }));
  const std::string answer = scrape(measured.metrics_port);
  EXPECT_EQ(status_of(answer), 200);
  EXPECT_EQ(value_of(answer, "Content-Type"), "text/plain; version=0.0.4; charset=utf-8");
  EXPECT_TRUE(
      says(answer, "ecluse_requests_total{app=\"lettings\",environment=\"prod\",release=\"7\"} 3"));
  EXPECT_TRUE(says(answer, "ecluse_bound_hits_total{bound=\"start_line_bytes_max\"} 1"));
  EXPECT_NE(answer.find("release=\"7\",le=\"1.234\"} 3"), std::string::npos);
  EXPECT_NE(answer.find("release=\"7\",le=\"+Inf\"} 3"), std::string::npos);
}

TEST(Metrics, AreAcceptedByPrometheusOwnChecker) {
  if (!has_promtool()) GTEST_SKIP() << "promtool is not installed (package prometheus)";
  Measured measured;
  (void)answer_to(measured.served.port(), get("a"));
  EXPECT_EQ(complaints_of_promtool(body_of(scrape(measured.metrics_port))), "");
}

TEST(Metrics, SpeakOpenMetricsToWhoAsksForIt) {
  Measured measured;
  (void)answer_to(measured.served.port(), get("a"));
  const std::string answer =
      scrape(measured.metrics_port, "Accept: application/openmetrics-text; version=1.0.0\r\n");
  EXPECT_TRUE(value_of(answer, "Content-Type").starts_with("application/openmetrics-text"));
  EXPECT_TRUE(answer.ends_with("\n# EOF\n"));
  EXPECT_TRUE(says(answer, "# TYPE ecluse_requests counter"));
}

TEST(Metrics, NeverCountFromZeroAgainAfterAKill) {
  Measured measured;
  (void)answer_to(measured.served.port(), get("a"));
  const auto has_one = [&] {
    return says(scrape(measured.metrics_port),
                "ecluse_request_duration_seconds_count{app=\"lettings\",environment=\"prod\","
                "release=\"7\"} 1");
  };
  ASSERT_TRUE(eventually(has_one));
  measured.served.gateway->kill_worker();
  EXPECT_TRUE(eventually(has_one));
}

TEST(Metrics, DoNotWaitForWhoeverSpeaksByteByByte) {
  constexpr int kLineMax = 8192;  // a line that is too long ends it at last
  Measured measured;
  RawClient dripping(measured.metrics_port);
  int bytes = 0;
  EXPECT_TRUE(eventually([&] {
    ++bytes;
    return !dripping.send("x");
  }));
  EXPECT_LT(bytes, kLineMax);
  EXPECT_EQ(status_of(scrape(measured.metrics_port)), 200);
}

TEST(Metrics, AnswerNothingElse) {
  Measured measured;
  EXPECT_EQ(status_of(answer_to(measured.metrics_port, "GET / HTTP/1.1\r\nHost: m\r\n\r\n")), 404);
  EXPECT_EQ(
      status_of(answer_to(measured.metrics_port, "POST /metrics HTTP/1.1\r\nHost: m\r\n\r\n")),
      501);
  EXPECT_EQ(status_of(answer_to(measured.metrics_port, "nonsense\r\n\r\n")), 400);
}

}  // namespace ecluse::gateway::testing
