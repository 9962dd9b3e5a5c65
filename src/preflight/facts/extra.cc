#include "preflight/facts/extra.h"

#include <algorithm>
#include <array>

namespace ecluse::preflight {

namespace {

constexpr std::size_t kBroughtMax = 9;

struct Extra {
  std::string_view package;
  std::string_view name;
  std::array<std::string_view, kBroughtMax> brings;  // the rest is empty
};

constexpr std::array kExtras = {
    Extra{"fastapi",
          "standard",
          {"uvicorn", "httpx", "jinja2", "python-multipart", "email-validator", "fastapi-cli"}},
    Extra{"fastapi",
          "all",
          {"uvicorn", "httpx", "jinja2", "python-multipart", "email-validator", "itsdangerous",
           "pyyaml", "orjson", "pydantic-settings"}},
    Extra{"uvicorn", "standard", {"websockets", "httptools", "watchfiles", "python-dotenv"}},
    Extra{"pydantic", "email", {"email-validator"}},
    Extra{"pydantic", "dotenv", {"python-dotenv"}},
    Extra{"sqlalchemy", "asyncio", {"greenlet"}},
    Extra{"sqlalchemy", "postgresql", {"psycopg2"}},
    Extra{"sqlalchemy", "postgresql-psycopg2binary", {"psycopg2-binary"}},
    Extra{"sqlalchemy", "postgresql-psycopg", {"psycopg"}},
    Extra{"sqlalchemy", "postgresql-asyncpg", {"asyncpg", "greenlet"}},
    Extra{"sqlalchemy", "postgresql-pg8000", {"pg8000"}},
    Extra{"sqlalchemy", "aiosqlite", {"aiosqlite", "greenlet"}},
    Extra{"celery", "redis", {"redis"}},
    Extra{"flask", "async", {"asgiref"}},
    Extra{"django", "argon2", {"argon2-cffi"}},
    Extra{"passlib", "bcrypt", {"bcrypt"}},
    Extra{"python-jose", "cryptography", {"cryptography"}},
};

}  // namespace

std::span<const std::string_view> brought_by(std::string_view package, std::string_view extra) {
  for (const auto& each : kExtras) {
    if (each.package != package || each.name != extra) continue;
    const auto end = std::ranges::find(each.brings, std::string_view{});
    return {each.brings.begin(), end};
  }
  return {};
}

}  // namespace ecluse::preflight
