#include "preflight/manual.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>

#include "preflight/rules/rule.h"

namespace ecluse::preflight {
namespace {

TEST(RulesManual, IsThePageInTheDocumentation) {
  const auto file = std::filesystem::path(ECLUSE_SOURCE) / "docs/rules.md";
  if (std::getenv("ECLUSE_ACCEPT") != nullptr) std::ofstream(file) << rules_manual();
  std::ifstream page(file);
  const std::string text(std::istreambuf_iterator<char>(page), {});
  EXPECT_EQ(text, rules_manual()) << "in docs/rules.md; ECLUSE_ACCEPT=1 writes it anew";
}

TEST(RulesManual, HasAFamilyForEveryRule) {
  const auto text = rules_manual();
  for (const auto* rule : all_rules())
    EXPECT_NE(text.find("### " + std::string(rule->id) + ": "), std::string::npos) << rule->id;
}

}  // namespace
}  // namespace ecluse::preflight
