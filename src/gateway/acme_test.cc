// What of ACME needs no server; tests/acme has the rest.
#include <gtest/gtest.h>
#include <sodium.h>

#include <nlohmann/json.hpp>

#include "gateway/acme_client.h"
#include "gateway/acme_jws.h"
#include "gateway/certifier.h"
#include "gateway/testing.h"

namespace ecluse::gateway::testing {

namespace {
constexpr std::int64_t kNow = 1'800'000'000;
}  // namespace

TEST(AcmeSchedule, WaitsLongerAfterEachFailureUpToABound) {
  const AcmeBackoff backoff{.first_s = 300, .max_s = 6 * 3600};
  AcmeProgress progress;
  std::int64_t waited = 0;
  for (int i = 0; i < 40; ++i) {
    progress = after_failure(progress, "no", 0, kNow, backoff);
    EXPECT_GE(progress.next_try_s - kNow, waited);
    waited = progress.next_try_s - kNow;
  }
  EXPECT_EQ(after_failure({}, "no", 0, kNow, backoff).next_try_s, kNow + 300);
  EXPECT_EQ(waited, backoff.max_s);
  EXPECT_EQ(progress.failures, 40U);
}

TEST(AcmeSchedule, NeverComesBackBeforeTheServerSaid) {
  EXPECT_EQ(after_failure({}, "rate limited", 86'400, kNow, {}).next_try_s, kNow + 86'400);
}

TEST(AcmeSchedule, RenewsAtTwoThirdsOfALife) {
  EXPECT_EQ(renewal_time(kNow, kNow + 90 * 86'400), kNow + 60 * 86'400);
}

TEST(AcmeSchedule, AlternatesTheWaysOfValidation) {
  EXPECT_EQ(challenge_type(0), "http-01");
  EXPECT_EQ(challenge_type(1), "tls-alpn-01");
  EXPECT_EQ(challenge_type(2), "http-01");
}

TEST(AcmeRetryAfter, ReadsSecondsAndDatesWithinAWeek) {
  EXPECT_EQ(parse_retry_after("120", kNow), 120);
  EXPECT_EQ(parse_retry_after("Fri, 15 Jan 2027 08:01:00 GMT", kNow), 60);
  EXPECT_EQ(parse_retry_after("", kNow), 0);
  EXPECT_EQ(parse_retry_after("-5", kNow), 0);
  EXPECT_EQ(parse_retry_after("soon", kNow), 0);
  EXPECT_EQ(parse_retry_after("99999999999", kNow), 7 * 86'400);
}

TEST(AcmeFiles, SurviveARoundTrip) {
  const TemporaryFolder folder;
  const AcmeFiles files(folder.path());
  EXPECT_EQ(files.read_wishes()->size(), 0U);
  EXPECT_EQ(files.read_served(), 0U);
  const std::set<AcmeWish> wishes{{"a.example", "https://ca.example/dir", "ops@a.example", ""}};
  const AcmeChallenges challenges{7, {{"a.example", "http-01", "token", "token.thumbprint"}}};
  ASSERT_TRUE(files.write_wishes(wishes));
  ASSERT_TRUE(files.write_challenges(challenges));
  ASSERT_TRUE(files.write_served(7));
  EXPECT_EQ(*files.read_wishes(), wishes);
  EXPECT_EQ(*files.read_challenges(), challenges);
  EXPECT_EQ(files.read_served(), 7U);
}

TEST(AcmeJws, NamesTheKeyOnlyWhileThereIsNoAccount) {
  const auto key = make_key();
  const auto header_of = [&](const std::string& account) {
    const auto jws = nlohmann::json::parse(
        *sign_jws(*key, {.nonce = "n", .url = "https://x/", .account = account}, "{}"));
    const std::string text = jws.at("protected");
    std::string json(text.size(), '\0');
    std::size_t bytes = 0;
    EXPECT_EQ(sodium_base642bin(reinterpret_cast<unsigned char*>(json.data()), json.size(),
                                text.data(), text.size(), nullptr, &bytes, nullptr,
                                sodium_base64_VARIANT_URLSAFE_NO_PADDING),
              0);
    json.resize(bytes);
    return nlohmann::json::parse(json);
  };
  EXPECT_EQ(header_of("").at("jwk").at("crv"), "P-256");
  EXPECT_EQ(header_of("https://x/acct/1").at("kid"), "https://x/acct/1");
  EXPECT_FALSE(header_of("https://x/acct/1").contains("jwk"));
  EXPECT_EQ(thumbprint_of(*key)->size(), 43U);
}

}  // namespace ecluse::gateway::testing
