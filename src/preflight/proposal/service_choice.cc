#include "preflight/proposal/service_choice.h"

#include <algorithm>
#include <array>

#include "base/text.h"
#include "model/service_variable.h"
#include "preflight/rules/rule.h"

namespace ecluse::preflight {

namespace {

struct Driver {
  std::string_view package;
  std::string_view kind;
};
constexpr std::array kDrivers = {Driver{"psycopg", "postgres"},
                                 Driver{"psycopg2", "postgres"},
                                 Driver{"psycopg2-binary", "postgres"},
                                 Driver{"psycopg-binary", "postgres"},
                                 Driver{"asyncpg", "postgres"},
                                 Driver{"pg8000", "postgres"},
                                 Driver{"pg", "postgres"},
                                 Driver{"postgres", "postgres"},
                                 Driver{"redis", "redis"},
                                 Driver{"django-redis", "redis"},
                                 Driver{"ioredis", "redis"}};

struct NotStarted {
  std::string_view package;
  std::string_view name;
};
constexpr std::string_view kMongo = "MongoDB";
constexpr std::string_view kMysql = "MySQL";
constexpr std::array kNotStarted = {
    NotStarted{"mongoose", kMongo},    NotStarted{"mongodb", kMongo},
    NotStarted{"pymongo", kMongo},     NotStarted{"motor", kMongo},
    NotStarted{"mongoengine", kMongo}, NotStarted{"flask-pymongo", kMongo},
    NotStarted{"beanie", kMongo},      NotStarted{"mysql2", kMysql},
    NotStarted{"mysql", kMysql},       NotStarted{"pymysql", kMysql},
    NotStarted{"mysqlclient", kMysql}, NotStarted{"aiomysql", kMysql}};

bool is_given_by(std::string_view kind, std::string_view name) {
  const auto variables = model::service_variables(kind == "postgres" ? model::ServiceKind::kPostgres
                                                                     : model::ServiceKind::kRedis);
  return std::ranges::find(variables, name, &model::ServiceVariable::name) != variables.end();
}

/// "asyncpg" of "postgresql+asyncpg://user:password@host/name".
std::string driver_in(std::string_view url) {
  constexpr std::string_view kStart = "postgresql+";
  if (!url.starts_with(kStart)) return {};
  const auto rest = url.substr(kStart.size());
  const auto end = rest.find("://");
  const bool word = end != std::string_view::npos && end > 0 &&
                    rest.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789_") == end;
  return word ? std::string(rest.substr(0, end)) : std::string();
}

class ServiceChoice {
 public:
  ServiceChoice(const Repository& repository, const Stack& stack,
                const std::vector<VariableRead>& reads, Proposal& out)
      : repository_(repository), stack_(stack), reads_(reads), out_(out) {}

  void propose() {
    for (const auto& driver : kDrivers) add(driver);
    for (const auto* compose : stack_.composes)
      for (const auto& service : compose->services) add_container(*compose, service);
    for (const auto& each : kNotStarted) note_missing(each);
    for (const auto& [path, text] : repository_.texts)
      if (file_name(path) == "schema.prisma") add_prisma(path, text);
    if (out_.services.contains("db") && uses_sqlalchemy() && reads_address())
      out_.services.at("db").driver = sqlalchemy_driver();
  }

 private:
  void note_missing(const NotStarted& server) {
    const bool said = std::ranges::any_of(
        out_.gaps, [&](const Gap& gap) { return gap.what.find(server.name) != std::string::npos; });
    const auto* declared = declared_in(server.package);
    if (!declared || said || (server.name == kMysql && out_.services.contains("db"))) return;
    out_.gaps.push_back({"the app keeps its data in " + std::string(server.name) +
                             ", which ecluse does not start yet",
                         "run one and give its address as the secret that the code reads",
                         {declared->path, declared->find(server.package)->place,
                          std::string(server.package) + " is declared"}});
  }

  const VariableRead* first_read_of(std::string_view kind) const {
    const auto found = std::ranges::find_if(
        reads_, [&](const VariableRead& each) { return is_given_by(kind, each.read->name); });
    return found == reads_.end() ? nullptr : &*found;
  }

  void add(const Driver& driver) {
    const auto* declared = repository_.find_dependency(driver.package);
    const auto* read = first_read_of(driver.kind);
    const std::string name = driver.kind == "postgres" ? "db" : "cache";
    if (!declared || !read || out_.services.contains(name)) return;
    auto why = read->why();
    why.seen += ", and " + std::string(driver.package) + " is declared";
    out_.services[name] = {{std::string(driver.kind), std::move(why)}, std::nullopt};
  }

  /// A database or cache that a compose file starts beside the app, which finds it by a variable.
  void add_container(const Compose& compose, const ComposeService& service) {
    const std::string image(
        file_name(std::string_view(service.image).substr(0, service.image.find(':'))));
    const bool postgres = image == "postgres" || image == "postgis";
    if (!postgres && image != "redis" && image != "valkey") return;
    const std::string kind = postgres ? "postgres" : "redis";
    const std::string name = postgres ? "db" : "cache";
    const auto* read = first_read_of(kind);
    if (!read || out_.services.contains(name)) return;
    out_.services[name] = {{kind, {compose.path, service.image_place, "image: " + service.image}},
                           std::nullopt};
  }

  /// "DATABASE_URL" of `url = env("DATABASE_URL")`; "" where the schema names no variable.
  static std::string prisma_variable(std::string_view text) {
    constexpr std::string_view kCall = "env(\"";
    const auto url = text.find("url ");
    const auto at = url == std::string_view::npos ? url : text.find(kCall, url);
    if (at == std::string_view::npos) return {};
    const auto rest = text.substr(at + kCall.size());
    return std::string(rest.substr(0, rest.find('"')));
  }

  /// Prisma's schema names its engine and the variable of its address.
  void add_prisma(const std::string& path, const std::string& text) {
    const auto variable = prisma_variable(text);
    if (variable.empty()) return;
    const Evidence why{path, {1, 1}, "env(\"" + variable + "\")"};
    if (text.find("\"postgresql\"") != std::string::npos) {
      out_.services["db"] = {{"postgres", why}, std::nullopt};
      if (!is_given_by("postgres", variable)) out_.asks.push_back({variable, "", why});
    } else if (variable != "DATABASE_URL") {
      out_.asks.push_back({variable, "", why});
    } else if (text.find("\"sqlite\"") != std::string::npos) {
      out_.volumes["data"] = {"/app/data", why};
      out_.env["DATABASE_URL"] = {"file:/app/data/app.db", why};
    }
  }

  bool declares(std::string_view package) const {
    return repository_.find_dependency(package) != nullptr;
  }
  bool uses_sqlalchemy() const {
    return declares("sqlalchemy") || declares("sqlmodel") || declares("flask-sqlalchemy");
  }

  /// An address that is put together of its parts names its driver there.
  bool reads_address() const {
    const auto variables = model::service_variables(model::ServiceKind::kPostgres);
    return std::ranges::any_of(reads_, [&](const VariableRead& each) {
      const auto known =
          std::ranges::find(variables, each.read->name, &model::ServiceVariable::name);
      return known != variables.end() && known->fact == model::ServiceFact::kUrl;
    });
  }

  /// SQLAlchemy takes psycopg2 for postgresql://, and psycopg since 2.1, whatever is installed.
  std::optional<Proven> sqlalchemy_driver() const {
    if (auto written = written_driver()) return written;
    if (names_driver_itself()) return std::nullopt;
    if (declares("asyncpg"))
      if (auto engine = asynchronous_engine()) return engine;
    if (declares("psycopg2") || declares("psycopg2-binary")) return older_driver();
    for (const auto* package : {"psycopg", "psycopg-binary", "asyncpg", "pg8000"})
      if (const auto* found = declared_in(package))
        return Proven{
            std::string(package == std::string_view("psycopg-binary") ? "psycopg" : package),
            {found->path, found->find(package)->place, std::string(package) + " is declared"}};
    return std::nullopt;
  }

  /// psycopg2 must be named where SQLAlchemy 2.1 may come, unless the code hands the address to it.
  std::optional<Proven> older_driver() const {
    const auto* sqlalchemy = repository_.find_dependency("sqlalchemy");
    const bool held = sqlalchemy && is_held_below_2_1(sqlalchemy->version);
    if (held || declares("psycopg") || declares("psycopg-binary") || connects_itself())
      return std::nullopt;
    for (const auto* package : {"psycopg2", "psycopg2-binary"})
      if (const auto* found = declared_in(package))
        return Proven{"psycopg2",
                      {found->path, found->find(package)->place,
                       std::string(package) + " is declared, and SQLAlchemy 2.1 takes psycopg"}};
    return std::nullopt;
  }

  /// "==2.0.38", "~=1.4", "<2", "^1.4"; not "^2.0" or ">=2".
  static bool is_held_below_2_1(std::string_view version) {
    for (const std::string_view start : {"==1.", "==2.0", "~=1.", "~=2.0.", "^1.", "<2", "<=2.0"})
      if (version.starts_with(start)) return true;
    return version.find(",<2") != std::string_view::npos;
  }

  bool connects_itself() const {
    return std::ranges::any_of(repository_.code, [](const CodeFile& file) {
      return std::ranges::any_of(file.calls, [](const Call& call) {
        return ends_with_name(call.callee(), "psycopg2.connect");
      });
    });
  }

  const Manifest* declared_in(std::string_view package) const {
    const auto found = std::ranges::find_if(
        repository_.manifests, [&](const Manifest& each) { return each.find(package) != nullptr; });
    return found == repository_.manifests.end() ? nullptr : &*found;
  }

  /// In the address that an example, a compose file or the code's default has.
  std::optional<Proven> written_driver() const {
    for (const auto& file : repository_.env_files)
      for (const auto& line : file.lines)
        if (auto driver = driver_in(line.value); !driver.empty())
          return Proven{driver, {file.path, line.place, line.name + "=postgresql+" + driver}};
    for (const auto* compose : stack_.composes)
      for (const auto& service : compose->services)
        for (const auto& variable : service.environment)
          if (auto driver = driver_in(variable.value.value_or("")); !driver.empty())
            return Proven{driver,
                          {compose->path, variable.place, variable.name + "=postgresql+" + driver}};
    for (const auto& each : reads_)
      if (auto driver = driver_in(each.read->fallback ? each.read->fallback->text : "");
          !driver.empty())
        return Proven{driver, each.why()};
    return std::nullopt;
  }

  /// `url.replace("postgresql://", "postgresql+asyncpg://")`, `f"postgresql+asyncpg://{USER}..."`,
  /// `PostgresDsn.build(scheme="postgresql+asyncpg")`: a plain address is what it wants.
  bool names_driver_itself() const {
    const auto named = [](const Value& value) { return value.text.starts_with("postgresql+"); };
    return std::ranges::any_of(repository_.code, [&](const CodeFile& file) {
      if (!is_production_code(file)) return false;
      return std::ranges::any_of(file.assignments,
                                 [&](const auto& each) { return named(each.value); }) ||
             std::ranges::any_of(file.calls, [&](const Call& call) {
               return std::ranges::any_of(call.value.items,
                                          [&](const Item& item) { return named(item.value); });
             });
    });
  }

  std::optional<Proven> asynchronous_engine() const {
    for (const auto& file : repository_.code)
      for (const auto& call : file.calls)
        if (!file.test && (ends_with_name(call.callee(), "create_async_engine") ||
                           ends_with_name(call.callee(), "AsyncEngine")))
          return Proven{"asyncpg", {file.path, call.value.place, call.value.text}};
    return std::nullopt;
  }

  const Repository& repository_;
  const Stack& stack_;
  const std::vector<VariableRead>& reads_;
  Proposal& out_;
};

}  // namespace

void propose_services(const Repository& repository, const Stack& stack,
                      const std::vector<VariableRead>& reads, Proposal& out) {
  ServiceChoice(repository, stack, reads, out).propose();
}

bool is_given_by_services(const Proposal& out, std::string_view name) {
  return std::ranges::any_of(
      out.services, [&](const auto& each) { return is_given_by(each.second.kind.value, name); });
}

}  // namespace ecluse::preflight
