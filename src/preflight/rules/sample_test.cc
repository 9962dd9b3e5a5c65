// tests/rules/ID.txt: repositories as small as a rule, some that it must find and some that it must
// not. Lines of the format:
//   @bad PATH:LINE   begins a repository in which the rule finds something there
//   @good            begins one in which it finds nothing
//   @file PATH       a file; its text are the lines until the next one that begins with "@"
//   @utf16 PATH      the same in UTF-16
//   @django          manage.py and shop/wsgi.py, as startproject makes them
//   @sqlite PATH T   a SQLite database with the table T
//   @vendored PATH   a committed folder of other people's code: venv, node_modules
// An ecluse.yml among the files makes the audit be about its last environment.
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <string>
#include <vector>

#include "base/text.h"
#include "config/parse.h"
#include "preflight/rules/rule.h"

namespace ecluse::preflight {
namespace {

const std::filesystem::path kFolder = "tests/rules";

struct Sample {
  bool bad = false;
  std::string where;
  std::map<std::string, std::string> files;
  std::vector<std::string> vendored;
};

std::string utf16(const std::string& text) {
  std::string out = "\xFF\xFE";
  for (const char c : text) out += {c, '\0'};
  return out;
}

/// The first bytes of a database file, and its schema as SQLite writes it.
std::string database_with(const std::string& table) {
  return std::string("SQLite format 3\0", 16) + "CREATE TABLE \"" + table + "\" (id)";
}

void add_django(Sample& sample) {
  const std::string text =
      "import os\nos.environ.setdefault('DJANGO_SETTINGS_MODULE', 'shop.settings')\n";
  sample.files["manage.py"] = text;
  sample.files["shop/wsgi.py"] = text;
}

/// Takes the lines of one file of samples, one after another.
class Reader {
 public:
  void line(const std::string& text) {
    const auto words = split(text, ' ');
    // A decorator of Python begins with "@", too.
    if (!text.starts_with('@') || (!path_.empty() && !is_directive(words[0])))
      return content(text + "\n");
    end_file();
    const auto argument = words.size() > 1 ? words[1] : std::string{};
    const auto rest = text.substr(std::min(words[0].size() + 1, text.size()));
    if (words[0] == "@bad" || words[0] == "@good") {
      samples_.push_back({.bad = words[0] == "@bad", .where = rest, .files = {}, .vendored = {}});
    } else if (words[0] == "@file" || words[0] == "@utf16") {
      path_ = rest;  // it may end with a blank
      utf16_ = words[0] == "@utf16";
      samples_.back().files[path_];
    } else if (words[0] == "@django") {
      add_django(samples_.back());
    } else if (words[0] == "@sqlite") {
      samples_.back().files[argument] = database_with(words.at(2));
    } else if (words[0] == "@vendored") {
      samples_.back().vendored.push_back(argument);
    } else {
      ADD_FAILURE() << "unknown directive: " << text;
    }
  }

  std::vector<Sample> finish() {
    end_file();
    return std::move(samples_);
  }

 private:
  static bool is_directive(std::string_view word) {
    for (const std::string_view each :
         {"@bad", "@good", "@file", "@utf16", "@django", "@sqlite", "@vendored"})
      if (word == each) return true;
    return false;
  }
  void content(const std::string& text) {
    if (!path_.empty()) samples_.back().files[path_] += text;
  }
  void end_file() {
    if (!path_.empty() && utf16_) {
      auto& text = samples_.back().files[path_];
      text = utf16(text);
    }
    path_.clear();
  }

  std::vector<Sample> samples_;
  std::string path_;
  bool utf16_ = false;
};

std::vector<Sample> samples_of(std::string_view rule) {
  std::ifstream in(kFolder / (std::string(rule) + ".txt"));
  Reader reader;
  for (std::string line; std::getline(in, line);) reader.line(line);
  return reader.finish();
}

Repository repository_of(const Sample& sample) {
  Collector collector;
  for (const auto& [path, text] : sample.files) {
    const FileFact fact{.path = path, .bytes = text.size()};
    collector.file(fact);
    if (Collector::wish(path, text.size()) != Wish::kNothing) collector.content(fact, text);
  }
  for (const auto& path : sample.vendored)
    collector.vendored({.path = path, .kind = vendored_kind(file_name(path)), .files = 900});
  return collector.finish();
}

/// Where `rule` finds something first; "" when it finds nothing.
std::string found_by(std::string_view rule, const Sample& sample) {
  const auto repository = repository_of(sample);
  const auto stack = conclude(repository);
  model::AppSpec spec;
  if (const auto file = sample.files.find("ecluse.yml"); file != sample.files.end()) {
    auto parsed = config::parse(file->second, "ecluse.yml");
    EXPECT_TRUE(parsed.has_value()) << rule << ": its ecluse.yml is not right";
    if (parsed) spec = std::move(parsed->spec);
  }
  const Subject subject{
      .repository = repository,
      .stack = stack,
      .environment = spec.environments.empty() ? nullptr : &spec.environments.back(),
      .today = "2026-11-21"};
  for (const auto& each : audit(subject))
    if (each.rule == rule) return each.path + ":" + std::to_string(each.place.line);
  return {};
}

class RuleSamples : public testing::TestWithParam<const Rule*> {};

TEST_P(RuleSamples, AreFoundWhereTheyAreBadAndNotWhereTheyAreGood) {
  const auto id = GetParam()->id;
  int number = 0;
  for (const auto& sample : samples_of(id)) {
    ++number;
    EXPECT_EQ(found_by(id, sample), sample.where) << "repository " << number << " of " << id;
  }
}

TEST_P(RuleSamples, AreOfBothKinds) {
  // What only a running app shows has its tests beside preflight/started.
  if (GetParam()->id.starts_with("RT-")) GTEST_SKIP();
  int bad = 0;
  int good = 0;
  for (const auto& sample : samples_of(GetParam()->id)) ++(sample.bad ? bad : good);
  EXPECT_GT(bad, 0) << "no repository that " << GetParam()->id << " finds fault with";
  EXPECT_GT(good, 0) << "no repository that " << GetParam()->id << " is silent about";
}

std::string name_of(const testing::TestParamInfo<const Rule*>& info) {
  std::string name(info.param->id);
  std::erase(name, '-');
  return name;
}

INSTANTIATE_TEST_SUITE_P(Each, RuleSamples,
                         testing::ValuesIn(all_rules().begin(), all_rules().end()), name_of);

TEST(RuleSampleFiles, AreEachOfARuleThatExists) {
  for (const auto& file : std::filesystem::directory_iterator(kFolder))
    EXPECT_NE(find_rule(file.path().stem().string()), nullptr) << file.path();
}

}  // namespace
}  // namespace ecluse::preflight
