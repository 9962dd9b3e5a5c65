// docs/ecluse-yml.md says what the table of keys says: its tables are written from it
// (ECLUSE_ACCEPT=1 writes them anew), and its examples are parsed.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>
#include <set>
#include <sstream>

#include "base/text.h"
#include "config/parse.h"
#include "config/table.h"

namespace ecluse::config {
namespace {

constexpr const char* kGuide = "docs/ecluse-yml.md";

std::string content(const std::string& path) {
  std::ifstream stream(path);
  std::ostringstream text;
  text << stream.rdbuf();
  return text.str();
}

std::string cell(std::string text) {
  for (std::size_t at = 0; (at = text.find('|', at)) != std::string::npos; at += 2)
    text.replace(at, 1, "\\|");
  return text;
}

std::string code(const std::string& text) {
  return text.empty() ? "" : "`" + cell(text) + "`";
}

std::string availability(const SchemaKey& key) {
  if (!key.later.empty()) return "not yet: " + key.later;
  std::vector<std::string> later = key.value->words_later;
  for (const auto& choice : key.value->any_of)
    later.insert(later.end(), choice->words_later.begin(), choice->words_later.end());
  return later.empty() ? "yes" : "yes; not yet: " + join(later, ", ");
}

std::string table_of(const Schema& record) {
  std::string out = "| key | value | default | meaning | available |\n|---|---|---|---|---|\n";
  for (const auto& key : record.keys)
    out += fmt::format("| `{}`{} | {} | {} | {} | {} |\n", key.name,
                       key.required ? " (needed)" : "", cell(key.value->expected),
                       code(key.default_text), cell(key.meaning), cell(availability(key)));
  return out;
}

/// Every record the file is made of, by name.
void collect(const SchemaPtr& schema, std::map<std::string, const Schema*>& records) {
  if (!schema) return;
  if (schema->kind == SchemaKind::kRecord && !records.emplace(schema->name, schema.get()).second)
    return;
  collect(schema->item, records);
  for (const auto& key : schema->keys) collect(key.value, records);
  for (const auto& choice : schema->any_of) collect(choice, records);
}

/// The guide with each `<!-- keys: NAME -->` ... `<!-- end -->` filled from the table.
std::string filled_in(const std::string& guide, const std::map<std::string, const Schema*>& records,
                      std::set<std::string>& seen) {
  constexpr std::string_view kBegin = "<!-- keys: ";
  constexpr std::string_view kEnd = "<!-- end -->";
  std::string out;
  std::size_t at = 0;
  for (std::size_t begin = 0; (begin = guide.find(kBegin, at)) != std::string::npos;) {
    const std::size_t name_at = begin + kBegin.size();
    const std::size_t line_end = guide.find('\n', begin) + 1;
    const std::string name = guide.substr(name_at, guide.find(" -->", name_at) - name_at);
    const std::size_t end = guide.find(kEnd, line_end);
    if (end == std::string::npos || !records.contains(name)) {
      ADD_FAILURE() << "the guide has a table '" << name << "' without end or record";
      return guide;
    }
    seen.insert(name);
    out += guide.substr(at, line_end - at) + table_of(*records.at(name));
    at = end;
  }
  return out + guide.substr(at);
}

TEST(Guide, HasATableOfEveryRecordAsTheParserKnowsIt) {
  std::map<std::string, const Schema*> records;
  collect(file_shape().schema, records);
  std::set<std::string> seen;
  const std::string guide = content(kGuide);
  const std::string filled = filled_in(guide, records, seen);
  if (std::getenv("ECLUSE_ACCEPT") != nullptr) std::ofstream(kGuide) << filled;
  EXPECT_EQ(content(kGuide), filled) << "ECLUSE_ACCEPT=1 writes the tables anew";
  for (const auto& [name, record] : records) EXPECT_TRUE(seen.contains(name)) << name;
}

std::vector<std::string> examples(const std::string& guide) {
  constexpr std::string_view kBegin = "```yaml\n";
  std::vector<std::string> found;
  for (std::size_t at = 0; (at = guide.find(kBegin, at)) != std::string::npos;) {
    at += kBegin.size();
    found.push_back(guide.substr(at, guide.find("```", at) - at));
  }
  return found;
}

/// An example of a part needs an app around it.
std::string as_a_file(const std::string& example) {
  std::string around;
  if (!example.starts_with("app:")) around += "app: example\n";
  if (example.find("processes:") == std::string::npos)
    around += "processes: {web: {command: serve}}\n";
  return around + example;
}

TEST(Guide, HoldsOnlyExamplesThatParse) {
  const auto all = examples(content(kGuide));
  EXPECT_GE(all.size(), 10u);
  for (const auto& example : all) {
    const std::string text = as_a_file(example);
    const auto parsed = parse(text, "example.yml");
    EXPECT_TRUE(parsed) << render(parsed.error(), text);
  }
}

}  // namespace
}  // namespace ecluse::config
