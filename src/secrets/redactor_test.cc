#include "secrets/redactor.h"

#include <gtest/gtest.h>
#include <rapidcheck.h>
#include <sodium.h>

#include "secrets/disguise.h"

namespace ecluse::secrets {
namespace {

Redactor knowing(const std::vector<NamedValue>& values) {
  return Redactor(values);
}

const Redactor kOne = knowing({{"TOKEN", "s3cr3t/+val ue\"&é"}});

std::string base64(const std::string& bytes, int variant) {
  std::string text(sodium_base64_encoded_len(bytes.size(), variant), '\0');
  sodium_bin2base64(text.data(), text.size(), reinterpret_cast<const unsigned char*>(bytes.data()),
                    bytes.size(), variant);
  text.pop_back();  // its terminating zero
  return text;
}

TEST(Redactor, PutsTheNameInPlaceOfTheValue) {
  EXPECT_EQ(kOne.redact("token=s3cr3t/+val ue\"&é;"), "token=[redacted TOKEN];");
}

TEST(Redactor, LeavesOtherTextAlone) {
  EXPECT_EQ(kOne.redact("nothing to see"), "nothing to see");
  EXPECT_EQ(kOne.redact(""), "");
  EXPECT_EQ(knowing({}).redact("text"), "text");
}

TEST(Redactor, KnowsUrlForms) {
  EXPECT_EQ(kOne.redact("?t=s3cr3t%2F%2Bval%20ue%22%26%C3%A9&x"), "?t=[redacted TOKEN]&x");
  EXPECT_EQ(kOne.redact("?t=s3cr3t%2f%2bval+ue%22%26%c3%a9&x"), "?t=[redacted TOKEN]&x");
  EXPECT_EQ(kOne.redact("s3cr3t/%2Bval%20ue%22%26%C3%A9"), "[redacted TOKEN]");
}

TEST(Redactor, KnowsJsonForms) {
  EXPECT_EQ(kOne.redact(R"({"t":"s3cr3t/+val ue\"&é"})"), R"({"t":"[redacted TOKEN]"})");
  EXPECT_EQ(kOne.redact(R"({"t":"s3cr3t/+val ue\"&\u00e9"})"), R"({"t":"[redacted TOKEN]"})");
  EXPECT_EQ(kOne.redact(R"({"t":"s3cr3t\/+val ue\"&\u00e9"})"), R"({"t":"[redacted TOKEN]"})");
}

TEST(Redactor, KnowsHtmlForms) {
  EXPECT_EQ(kOne.redact("<b>s3cr3t/+val ue&quot;&amp;é</b>"), "<b>[redacted TOKEN]</b>");
}

TEST(Redactor, KnowsBase64AtEveryAlignmentAndInBothAlphabets) {
  rc::check([](const std::string& before, const std::string& after) {
    const std::string value = "p@ss?~wörd>>";
    const Redactor redactor = knowing({{"PASSWORD", value}});
    for (const int variant : {sodium_base64_VARIANT_ORIGINAL, sodium_base64_VARIANT_URLSAFE}) {
      const auto text = base64(before + value + after, variant);
      const auto redacted = redactor.redact(text);
      RC_ASSERT(redacted.find("[redacted PASSWORD]") != std::string::npos);
    }
  });
}

TEST(Redactor, LeavesNoWholeValueInAnyText) {
  rc::check([](std::vector<std::string> values, const std::vector<std::string>& pieces) {
    std::vector<NamedValue> named;
    std::string text;
    for (std::size_t i = 0; i < values.size(); ++i) {
      values[i] += "abcd";  // long enough to be searched for
      named.push_back({"N", values[i]});
      text += values[i] + (i < pieces.size() ? pieces[i] : "") + values[values.size() - 1 - i];
    }
    const auto redacted = knowing(named).redact(text);
    for (const auto& value : values) {
      RC_ASSERT(std::string("[redacted N]").find(value) != std::string::npos ||
                redacted.find(value) == std::string::npos);
    }
  });
}

TEST(Redactor, TheLongestWins) {
  const Redactor redactor = knowing({{"SHORT", "abcd"}, {"LONG", "abcdefgh"}});
  EXPECT_EQ(redactor.redact("abcdefgh abcd"), "[redacted LONG] [redacted SHORT]");
}

TEST(Redactor, OverlappingValuesLeaveNoTail) {
  const Redactor redactor = knowing({{"A", "aaaabbbb"}, {"B", "bbbbcccc"}});
  EXPECT_EQ(redactor.redact("xaaaabbbbccccx"), "x[redacted A]x");
}

TEST(Redactor, SearchesTheLinesOfAKeyOfSeveralLines) {
  const Redactor redactor =
      knowing({{"KEY", "-----BEGIN KEY-----\nMIIEvQIBADANBg\nkqhkiG9w0B\n-----END KEY-----"}});
  EXPECT_EQ(redactor.redact("log: MIIEvQIBADANBg"), "log: [redacted KEY]");
  EXPECT_EQ(redactor.redact("-----BEGIN KEY-----"), "-----BEGIN KEY-----");
}

TEST(Redactor, ValuesOfThreeBytesAreNotSearchedFor) {
  EXPECT_EQ(knowing({{"PIN", "123"}}).redact("pin 123"), "pin 123");
  EXPECT_EQ(knowing({{"PIN", "1234"}}).redact("pin 1234"), "pin [redacted PIN]");
}

TEST(Disguise, HasNoFormTooShortToSearchFor) {
  rc::check([](const std::string& value) {
    for (const auto& form : disguises_of(value)) RC_ASSERT(form.size() >= kDisguiseBytesMin);
  });
}

TEST(Settled, IsAllButTheBeginningOfAValue) {
  const auto redactor = knowing({{"TOKEN", "open sesame!"}});
  EXPECT_EQ(redactor.settled("one\ntwo\n"), 8U);
  EXPECT_EQ(redactor.settled("Enter your name: "), 17U);
  EXPECT_EQ(redactor.settled("x o"), 2U);
  EXPECT_EQ(redactor.settled("x open sesame"), 2U);
  EXPECT_EQ(redactor.settled("x open sesame!"), 14U);
  EXPECT_EQ(knowing({}).settled("anything"), 8U);
}

TEST(Settled, HoldsAValueThatMayBeTheBeginningOfALongerOne) {
  const auto redactor = knowing({{"SHORT", "hunter2"}, {"LONG", "hunter2hunter3"}});
  EXPECT_EQ(redactor.settled("x hunter2"), 2U);
  EXPECT_EQ(redactor.settled("x hunter2 "), 10U);
}

TEST(Settled, TextsGivenOutAsTheySettleSayNoMoreThanTheWhole) {
  const auto redactor = knowing({{"TOKEN", "hunter2hunter2"}});
  rc::check([&](const std::vector<std::uint8_t>& sizes) {
    RC_PRE(!sizes.empty());
    std::string text;
    for (const auto size : sizes) text += "hunter2hunter2" + std::string(size, '.') + "hunter2";
    text += "!";
    std::string given;
    std::string pending;
    std::size_t at = 0;
    for (std::size_t i = 0; at < text.size(); ++i) {
      const std::size_t size = 1 + sizes[i % sizes.size()] % 40U;
      pending += text.substr(at, size);
      at += size;
      const std::size_t cut = redactor.settled(pending);
      given += redactor.redact(std::string_view(pending).substr(0, cut));
      pending.erase(0, cut);
    }
    RC_ASSERT(pending.empty());
    RC_ASSERT(given == redactor.redact(text));
  });
}

}  // namespace
}  // namespace ecluse::secrets
