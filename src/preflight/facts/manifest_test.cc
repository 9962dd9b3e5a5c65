#include "preflight/facts/manifest.h"

#include <gtest/gtest.h>

namespace ecluse::preflight {
namespace {

Manifest manifest(std::string_view path, const std::string& text) {
  TextFile file;
  file.text = text;
  return read_manifest(path, file);
}

TEST(Manifest, DeclaresWhatExtrasBring) {
  for (const auto& [path, text] :
       {std::pair{"requirements.txt",
                  "fastapi[standard]>=0.115  # web\nSQLAlchemy[asyncio, "
                  "postgresql_asyncpg]\n"},
        std::pair{"pyproject.toml",
                  "[project]\ndependencies = [\"fastapi[standard]>=0.115\", "
                  "\"sqlalchemy[asyncio,postgresql-asyncpg]\"]\n"},
        std::pair{"pyproject.toml",
                  "[tool.poetry.dependencies]\nfastapi = {version = \">=0.115\", extras = "
                  "[\"standard\"]}\nsqlalchemy = {extras = [\"postgresql-asyncpg\"]}\n"}}) {
    const auto made = manifest(path, text);
    ASSERT_NE(made.find("fastapi"), nullptr) << text;
    EXPECT_EQ(made.find("fastapi")->version, ">=0.115");
    for (const auto* brought : {"uvicorn", "httpx", "asyncpg"})
      EXPECT_NE(made.find(brought), nullptr) << brought << " of " << text;
    EXPECT_EQ(made.find("orjson"), nullptr);
  }
}

TEST(Manifest, DeclaresWhatLiesInARepository) {
  const auto made = manifest("requirements.txt",
                             "git+https://example.org/ann/shop.git\n"
                             "-e git+https://example.org/ann/py-till.git@v2#egg=till\n"
                             "git+ssh://git@example.org/ann/stock@main\n");
  for (const auto* name : {"shop", "till", "stock"}) EXPECT_NE(made.find(name), nullptr) << name;
  EXPECT_EQ(made.dependencies.size(), 3U);
}

TEST(Manifest, LeavesExtrasThatAreNotClosedOrNotKnown) {
  const auto made = manifest("requirements.txt", "fastapi[standard\nunknown[standard]\n");
  EXPECT_NE(made.find("fastapi"), nullptr);
  EXPECT_NE(made.find("unknown"), nullptr);
  EXPECT_EQ(made.dependencies.size(), 2U);
}

}  // namespace
}  // namespace ecluse::preflight
