#include "preflight/facts/prepared_bytes.h"

#include <gtest/gtest.h>

namespace ecluse::preflight {
namespace {

constexpr std::string_view kPython = R"(import os
from pydantic import BaseSettings
try:
    import sqlite3
except ImportError:
    raise RuntimeError("no sqlite")  # ecluse: ignore ENV-005: it is always there


def required(name):
    return os.environ[name]


class Settings(BaseSettings):
    database_url: str = "sqlite:///a.db"


@app.route("/", methods=["GET"])
def home():
    if DEBUG:
        return dict(hosts=os.getenv("HOSTS", "a,b").split(","), n=1)
    return password == "hunter2"


if __name__ == "__main__":
    app.run(port=int(os.environ.get("PORT", 5000)))
)";

constexpr std::string_view kScript = R"(import express from "express";
const app = express();
app.listen(process.env.PORT || 3000);
try { connect({ host: "localhost", tags: [1, true, null] }); } catch (e) { throw e; }
)";

Prepared again(const Prepared& made) {
  auto read = from_bytes(to_bytes(made));
  if (!read) ADD_FAILURE() << "its bytes cannot be read";
  return read.value_or(Prepared{});
}

TEST(PreparedBytes, HoldAllThatAPythonFileSays) {
  const auto made = Collector::prepare("shop/settings.py", kPython);
  const auto read = again(made);
  EXPECT_EQ(to_bytes(read), to_bytes(made));
  ASSERT_TRUE(read.code);
  EXPECT_EQ(read.code->path, "shop/settings.py");
  EXPECT_EQ(read.code->calls.size(), made.code->calls.size());
  EXPECT_EQ(read.code->readers.size(), 1U);
  EXPECT_EQ(read.code->fields.at(0).value->text, "sqlite:///a.db");
  EXPECT_EQ(read.code->comparisons.at(0).literal.text, "hunter2");
  EXPECT_EQ(read.imports.size(), made.imports.size());
  EXPECT_EQ(read.suppressions.at(0).reason, "it is always there");
}

TEST(PreparedBytes, HoldAllThatAScriptSays) {
  const auto made = Collector::prepare("server.js", kScript);
  const auto read = again(made);
  EXPECT_EQ(to_bytes(read), to_bytes(made));
  ASSERT_TRUE(read.code);
  EXPECT_EQ(read.code->language, Language::kJavaScript);
  EXPECT_EQ(read.code->reads.at(0).name, "PORT");
}

TEST(PreparedBytes, HoldThatAFileIsNoText) {
  const std::string bytes("a\0\0\0\1", 5);
  EXPECT_EQ(again(Collector::prepare("a.py", bytes)).text.encoding, Encoding::kBinary);
}

TEST(PreparedBytes, ThatEndTooEarlySayNothing) {
  const auto bytes = to_bytes(Collector::prepare("server.js", kScript));
  for (std::size_t size = 0; size < bytes.size(); ++size)
    EXPECT_FALSE(from_bytes(bytes.substr(0, size))) << size << " of " << bytes.size();
}

}  // namespace
}  // namespace ecluse::preflight
