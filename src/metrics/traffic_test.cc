#include "metrics/traffic.h"

#include <gtest/gtest.h>

#include "metrics/sketch.h"

namespace ecluse::metrics {

namespace {
Traffic one_release() {
  ports::ReleaseMeasures release{.environment = {"lettings", "prod"},
                                 .release = 7,
                                 .counters = {.requests = 4, .errors_5xx = 1, .in_flight = 1},
                                 .latency_sum_us = 1'500'000,
                                 .latency_bounds = {Duration(1234)}};
  release.latencies[static_cast<std::uint32_t>(sketch_bucket(7000))] = 2;
  release.latencies[static_cast<std::uint32_t>(sketch_bucket(1'200'000))] = 1;
  Traffic traffic{.releases = {}, .bound_hits = {{"head_ms_max", 3}}};
  traffic.releases[id_of(release)] = release;
  return traffic;
}

std::string text_of(Form form) {
  Exposition out(form);
  write(out, one_release());
  return out.finish();
}
bool says(const std::string& text, const std::string& line) {
  return text.find(line + "\n") != std::string::npos;
}
}  // namespace

TEST(TrafficText, HasABucketAtEachBoundAndTheUsualOnes) {
  const std::string text = text_of(Form::kPrometheus);
  const std::string labels = R"(app="lettings",environment="prod",release="7")";
  const std::string name = "ecluse_request_duration_seconds";
  EXPECT_TRUE(says(text, name + "_bucket{" + labels + ",le=\"0.005\"} 0"));
  EXPECT_TRUE(says(text, name + "_bucket{" + labels + ",le=\"0.01\"} 2"));
  EXPECT_TRUE(says(text, name + "_bucket{" + labels + ",le=\"1\"} 2"));
  EXPECT_TRUE(says(text, name + "_bucket{" + labels + ",le=\"1.234\"} 3"));
  EXPECT_TRUE(says(text, name + "_bucket{" + labels + ",le=\"+Inf\"} 3"));
  EXPECT_TRUE(says(text, name + "_sum{" + labels + "} 1.5"));
  EXPECT_TRUE(says(text, name + "_count{" + labels + "} 3"));
  EXPECT_TRUE(says(text, "ecluse_requests_total{" + labels + "} 4"));
  EXPECT_TRUE(says(text, "ecluse_requests_in_flight{" + labels + "} 1"));
  EXPECT_TRUE(says(text, "ecluse_bound_hits_total{bound=\"head_ms_max\"} 3"));
}

TEST(TrafficText, NamesACountersFamilyAsEachFormWantsIt) {
  EXPECT_TRUE(says(text_of(Form::kPrometheus), "# TYPE ecluse_requests_total counter"));
  EXPECT_TRUE(says(text_of(Form::kOpenMetrics), "# TYPE ecluse_requests counter"));
  EXPECT_TRUE(text_of(Form::kOpenMetrics).ends_with("\n# EOF\n"));
  EXPECT_EQ(text_of(Form::kPrometheus).find("# EOF"), std::string::npos);
}

TEST(Exposition, EscapesWhatALabelMayNotHold) {
  EXPECT_EQ(labels({{"a", "say \"no\" \\ yes\n"}}), R"(a="say \"no\" \\ yes\n")");
}

TEST(Exposition, GivesOpenMetricsToWhoAcceptsIt) {
  EXPECT_EQ(form_for("application/openmetrics-text;version=1.0.0,text/plain;q=0.5"),
            Form::kOpenMetrics);
  EXPECT_EQ(form_for("text/plain"), Form::kPrometheus);
  EXPECT_EQ(form_for(""), Form::kPrometheus);
}

}  // namespace ecluse::metrics
