#include "preflight/facts/settings_class.h"

#include <gtest/gtest.h>

#include "preflight/facts/python.h"

namespace ecluse::preflight {
namespace {

std::vector<CodeFile> followed(const std::vector<std::pair<std::string, std::string>>& sources) {
  std::vector<CodeFile> files;
  for (const auto& [path, text] : sources) files.push_back(read_python(path, text));
  follow_settings(files);
  return files;
}

constexpr const char* kImport = "from pydantic_settings import BaseSettings\n";

std::vector<EnvRead> reads_of(const std::string& body) {
  return followed({{"app/config.py", kImport + body}})[0].reads;
}

std::vector<std::string> demanded(const std::vector<EnvRead>& reads) {
  std::vector<std::string> names;
  for (const auto& each : reads)
    if (each.required) names.push_back(each.name);
  return names;
}

using Names = std::vector<std::string>;

TEST(SettingsClass, DemandsTheFieldsThatHaveNoValue) {
  const auto reads = reads_of(
      "class Settings(BaseSettings):\n  secret_key: str\n  debug: bool = True\n"
      "  sentry: Optional[str]\n  model_config = {}\n  title = 'shop'\n");
  EXPECT_EQ(demanded(reads), Names{"SECRET_KEY"});
  ASSERT_EQ(reads.size(), 3U);
  EXPECT_EQ(reads[0].place.line, 3);
  EXPECT_EQ(reads[1].name, "DEBUG");
  EXPECT_EQ(reads[1].fallback->text, "True");
}

TEST(SettingsClass, KnowsWhatFieldSays) {
  const auto reads = reads_of(
      "class Settings(BaseSettings):\n  a: str = Field(..., alias='SHOP_KEY')\n"
      "  b: str = Field(validation_alias=AliasChoices('db_url', 'DATABASE_URL'))\n"
      "  c: str = Field(default='x')\n  d: list = Field(default_factory=list)\n"
      "  e: str = Field('x', env='OLD')\n");
  EXPECT_EQ(demanded(reads), (Names{"SHOP_KEY", "DB_URL"}));
  ASSERT_EQ(reads.size(), 5U);
  EXPECT_EQ(reads[4].name, "OLD");
}

TEST(SettingsClass, PutsThePrefixOfItsOwnClassInFront) {
  const auto reads = reads_of(
      "class Db(BaseSettings):\n  host: str\n  class Config:\n    env_prefix = 'DB_'\n"
      "class Mail(BaseSettings):\n  model_config = SettingsConfigDict(env_prefix='mail_')\n"
      "  host: str\nclass Plain(BaseSettings):\n  host: str\n");
  EXPECT_EQ(demanded(reads), (Names{"DB_HOST", "MAIL_HOST", "HOST"}));
}

TEST(SettingsClass, FollowsBasesIntoOtherFilesWithTheirPrefix) {
  const auto files = followed(
      {{"app/a.py", "from app.base import AppSettings\nclass Web(AppSettings):\n  token: str\n"},
       {"app/base.py", std::string(kImport) +
                           "class AppSettings(BaseSettings):\n  model_config = "
                           "SettingsConfigDict(env_prefix='APP_')\n  name: str\n"}});
  EXPECT_EQ(demanded(files[0].reads), Names{"APP_TOKEN"});
  EXPECT_EQ(demanded(files[1].reads), Names{"APP_NAME"});
}

TEST(SettingsClass, MarksListsThatAreReadAsJson) {
  const auto reads = reads_of("class Settings(BaseSettings):\n  hosts: List[str]\n  one: str\n");
  ASSERT_EQ(reads.size(), 2U);
  EXPECT_EQ(reads[0].separator, kJsonSeparator);
  EXPECT_EQ(reads[1].separator, "");
}

TEST(SettingsClass, KeepsTheSpellingWhereCapitalsCount) {
  const auto reads = reads_of(
      "class Settings(BaseSettings):\n  model_config = SettingsConfigDict(case_sensitive=True)\n"
      "  api_key: str\n");
  EXPECT_EQ(demanded(reads), Names{"api_key"});
}

TEST(SettingsClass, LeavesModelsTestsAndClassesOfOtherKinds) {
  const auto reads = reads_of(
      "class Db(BaseModel):\n  host: str\nclass Settings(BaseSettings):\n  db: Db\n"
      "  KIND: ClassVar[str]\nclass TestSettings(Settings):\n  fake: str\n"
      "class ViewSettings(View):\n  page: int\n");
  EXPECT_TRUE(reads.empty());
  const auto own = followed({{"app/x.py",
                              "from app.mine import BaseSettings\nclass Settings(BaseSettings):\n"
                              "  secret_key: str\n"}});
  EXPECT_TRUE(own[0].reads.empty());
}

TEST(SettingsClass, ReadsTheFieldsOfAGroupBehindItsDelimiter) {
  const auto reads = reads_of(
      "class Pool(BaseModel):\n  size: int\nclass Db(BaseModel):\n  url: str\n  echo: bool = "
      "False\n"
      "  pool: Pool\nclass Run(BaseModel):\n  port: int = 8000\nclass Settings(BaseSettings):\n"
      "  model_config = SettingsConfigDict(env_prefix='APP__', env_nested_delimiter='__')\n"
      "  db: Db\n  run: Run = Run()\n  spare: Optional[Db] = None\n");
  EXPECT_EQ(demanded(reads), (Names{"APP__DB__URL", "APP__DB__POOL__SIZE"}));
  ASSERT_EQ(reads.size(), 5U);
  EXPECT_EQ(reads[3].name, "APP__RUN__PORT");
  EXPECT_EQ(reads[3].fallback->text, "8000");
}

TEST(SettingsClass, EndsWithManyGroupsOfGroupsThatHoldNothing) {
  std::string body = "class E(BaseModel):\n  pass\n";
  for (const auto* pair : {"DE", "CD", "BC", "AB"}) {
    body += std::string("class ") + pair[0] + "(BaseModel):\n";
    for (int i = 0; i < 300; ++i) body += "  f" + std::to_string(i) + ": " + pair[1] + "\n";
  }
  body +=
      "class Settings(BaseSettings):\n"
      "  model_config = SettingsConfigDict(env_nested_delimiter='_')\n  a: A\n";
  EXPECT_TRUE(demanded(reads_of(body)).empty());
}

TEST(SettingsClass, EndsWithGroupsThatHoldEachOther) {
  const auto reads = reads_of(
      "class A(BaseModel):\n  b: 'B'\n  a: A\n  x: int\nclass Settings(BaseSettings):\n"
      "  model_config = SettingsConfigDict(env_nested_delimiter='_')\n  a: A\n");
  EXPECT_FALSE(demanded(reads).empty());
}

TEST(SettingsClass, DemandsNothingThatTheCodeGivesItself) {
  const auto files = followed(
      {{"app/config.py",
        std::string(kImport) +
            "class Site(BaseSettings):\n  name: str\n  api_key: str\n  zone: str\n"},
       {"app/sites.py", "def site(found):\n  return Site(name=found, api_key=key(found))\n"}});
  EXPECT_EQ(demanded(files[0].reads), Names{"ZONE"});
}

TEST(SettingsClass, AsksManyBasesThatDeriveFromEachOtherOnce) {
  constexpr int kClasses = 40;
  std::string body;
  for (int i = 0; i < kClasses; ++i) {
    body += "class S" + std::to_string(i) + "Settings(BaseSettings";
    for (int base = 0; base < kClasses; ++base)
      if (base != i) body += ", S" + std::to_string(base) + "Settings";
    body += "):\n  field_" + std::to_string(i) + ": str\n";
  }
  EXPECT_EQ(demanded(reads_of(body)).size(), kClasses);
}

TEST(SettingsClass, EndsWithClassesThatDeriveFromEachOther) {
  const auto reads = reads_of(
      "class ASettings(BSettings, BaseSettings):\n  x: str\nclass BSettings(ASettings):\n  y: "
      "str\n");
  EXPECT_EQ(demanded(reads), (Names{"X", "Y"}));
}

}  // namespace
}  // namespace ecluse::preflight
