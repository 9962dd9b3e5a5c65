#include "base/json_text.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

namespace ecluse::json_fields {
namespace {

enum class Mood { kCalm, kBusy };
constexpr std::string_view kMoodNames[] = {"calm", "busy"};
std::span<const std::string_view> names_of(Mood) {
  return kMoodNames;
}

struct Part {
  std::string name;
  std::optional<std::int64_t> count;
};
template <typename V>
void fields(V& v, Part& x) {
  v("name", x.name);
  v("count", x.count);
}

struct Whole {
  bool on = true;
  double share = 0.1;
  std::uint64_t most = ~std::uint64_t{0};
  Mood mood = Mood::kBusy;
  Duration wait{1500};
  TimePoint at = time_at(-7);
  WallTime wall{1'700'000'000'123};
  std::vector<Part> parts;
  std::vector<Part> none;
  std::map<std::string, std::string> words;
  std::map<std::string, std::string> no_words;
  Part empty;
};
template <typename V>
void fields(V& v, Whole& x) {
  v("on", x.on);
  v("share", x.share);
  v("most", x.most);
  v("mood", x.mood);
  v("wait", x.wait);
  v("at", x.at);
  v("wall", x.wall);
  v("parts", x.parts);
  v("none", x.none);
  v("words", x.words);
  v("no_words", x.no_words);
  v("empty", x.empty);
}

nlohmann::json tree_of(const Whole& whole) {
  nlohmann::json out;
  encode(out, whole);
  return out;
}

TEST(JsonText, IsWhatTheTreeSays) {
  Whole whole;
  whole.parts = {{"a \"quoted\" \\ name", 3}, {"two\nlines\t\x01\x7f", std::nullopt}, {"été", -1}};
  whole.words = {{"ключ", "слово"}, {"", ""}, {"k\"", "/"}};
  EXPECT_EQ(nlohmann::json::parse(text_of(whole)), tree_of(whole));
}

TEST(JsonText, AnyByteCanBeWrittenAndRead) {
  for (int byte = 0; byte < 256; ++byte) {
    const Part part{"<" + std::string(1, static_cast<char>(byte)) + ">", 1};
    const auto read = nlohmann::json::parse(text_of(part)).at("name").get<std::string>();
    EXPECT_EQ(read, byte < 0x80 ? part.name : "<" + printable(part.name.substr(1, 1)) + ">");
  }
}

TEST(JsonText, NumbersSurvive) {
  for (const double share : {0.1, 1e-300, 123456.789, 0.0, 1.0, -2.5e17}) {
    const Whole whole{.share = share};
    EXPECT_EQ(nlohmann::json::parse(text_of(whole)).at("share").get<double>(), share);
  }
  EXPECT_TRUE(nlohmann::json::parse(text_of(Whole{.share = INFINITY})).at("share").is_null());
}

}  // namespace
}  // namespace ecluse::json_fields
