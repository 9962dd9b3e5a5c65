// Every tests/golden/config/NAME.yml against NAME.txt, what people read about it;
// ECLUSE_ACCEPT=1 writes the latter anew.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "config/parse.h"
#include "config/schema.h"

namespace ecluse::config {
namespace {

namespace fs = std::filesystem;

const fs::path kFolder = "tests/golden/config";

std::string content(const fs::path& path) {
  std::ifstream stream(path, std::ios::binary);
  std::ostringstream text;
  text << stream.rdbuf();
  return text.str();
}

void expect_golden(const std::string& actual, const fs::path& golden) {
  if (std::getenv("ECLUSE_ACCEPT") != nullptr) std::ofstream(golden, std::ios::binary) << actual;
  EXPECT_EQ(actual, content(golden)) << golden << "; ECLUSE_ACCEPT=1 accepts what is new";
}

std::vector<fs::path> inputs() {
  std::vector<fs::path> found;
  for (const auto& entry : fs::directory_iterator(kFolder))
    if (entry.path().extension() == ".yml") found.push_back(entry.path());
  std::ranges::sort(found);
  return found;
}

std::string what_is_said_about(const std::string& text) {
  const auto parsed = parse(text, "ecluse.yml");
  if (!parsed) return "REFUSED\n" + render(parsed.error(), text);
  return "ACCEPTED\n" + render(parsed->warnings, text) + "\nNOT AVAILABLE YET\n" +
         render(not_available_yet(*parsed), text);
}

class Golden : public testing::TestWithParam<fs::path> {};

TEST_P(Golden, SaysAboutTheFileWhatWasAccepted) {
  fs::path golden = GetParam();
  expect_golden(what_is_said_about(content(GetParam())), golden.replace_extension(".txt"));
}

INSTANTIATE_TEST_SUITE_P(Diagnostics, Golden, testing::ValuesIn(inputs()), [](const auto& param) {
  std::string name = param.param.stem().string();
  std::ranges::replace_if(name, [](char c) { return std::isalnum(c) == 0; }, '_');
  return name;
});

TEST(Golden, ExplainsTheExampleOfTheProductAsAccepted) {
  const auto parsed = parse(content(kFolder / "product.yml"), "ecluse.yml");
  ASSERT_TRUE(parsed);
  expect_golden(explain(*parsed), kFolder / "product.explained");
}

TEST(Golden, JsonSchemaIsTheAcceptedOne) {
  expect_golden(json_schema(), kFolder / "schema.json");
}

}  // namespace
}  // namespace ecluse::config
