#include "backup/postgres_dump.h"

#include <fmt/format.h>
#include <sodium.h>

#include <array>
#include <charconv>
#include <fstream>

#include "base/log.h"
#include "base/text.h"
#include "os/subprocess.h"

namespace ecluse::backup {

namespace {
namespace fs = std::filesystem;
using Clock = std::chrono::steady_clock;

constexpr std::chrono::minutes kStatementMax{1};
constexpr std::size_t kListBytesMax = 16 << 20;
/// psql's connections for such work are to a database that always exists.
constexpr const char* kMaintenanceDatabase = "postgres";

constexpr const char* kCountTables =
    "SELECT count(*) FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace "
    "WHERE c.relkind = 'r' AND n.nspname NOT IN ('pg_catalog', 'information_schema')";

/// Secrets go by the environment, never by argv.
os::Command command(const ports::DatabaseAccess& access, const std::string& database,
                    std::vector<std::string> argv, std::chrono::milliseconds timeout) {
  argv.front() = (fs::path(access.programs) / argv.front()).string();
  os::Command made{.argv = std::move(argv), .env = access.environment, .clean_env = true};
  made.env["PGDATABASE"] = database;
  made.timeout = timeout;
  return made;
}

Result<std::string> sql(const ports::DatabaseAccess& access, const std::string& database,
                        const std::string& statement) {
  auto asked = command(access, database,
                       {"psql", "-X", "-q", "-A", "-t", "-w", "-v", "ON_ERROR_STOP=1", "-f", "-"},
                       kStatementMax);
  asked.input = statement + ";\n";
  return os::output_of(asked);
}

/// How many tables' rows the file has, by its own list.
Result<std::uint64_t> listed_tables(const ports::DatabaseAccess& access, const fs::path& file) {
  auto asked =
      command(access, access.database, {"pg_restore", "--list", file.string()}, kStatementMax);
  asked.output_bytes_max = kListBytesMax;
  ECLUSE_ASSIGN(const std::string list, os::output_of(asked));
  std::uint64_t tables = 0;
  for (auto at = list.find(" TABLE DATA "); at != std::string::npos;
       at = list.find(" TABLE DATA ", at + 1))
    ++tables;
  return tables;
}

Result<std::uint64_t> restored_tables(const ports::DatabaseAccess& access,
                                      const std::string& scratch) {
  ECLUSE_ASSIGN(const std::string answer, sql(access, scratch, kCountTables));
  const auto digits = trim(answer);
  std::uint64_t tables = 0;
  std::from_chars(digits.data(), digits.data() + digits.size(), tables);
  return tables;
}

/// A database that is gone again at the end.
class ScratchDatabase {
 public:
  static Result<ScratchDatabase> make(const ports::DatabaseAccess& access,
                                      const std::string& name) {
    ECLUSE_TRY(sql(access, kMaintenanceDatabase, drop(name)));
    ECLUSE_TRY(sql(access, kMaintenanceDatabase,
                   fmt::format("CREATE DATABASE \"{}\" TEMPLATE template0", name)));
    return ScratchDatabase(access, name);
  }
  ~ScratchDatabase() {
    if (access_ == nullptr) return;
    if (const auto dropped = sql(*access_, kMaintenanceDatabase, drop(name_)); !dropped)
      log_warn("the scratch database {} stays until the next backup: {}", name_,
               dropped.error().message);
  }
  ScratchDatabase(ScratchDatabase&& other) noexcept
      : access_(std::exchange(other.access_, nullptr)), name_(std::move(other.name_)) {}
  ScratchDatabase& operator=(ScratchDatabase&&) = delete;

 private:
  ScratchDatabase(const ports::DatabaseAccess& access, std::string name)
      : access_(&access), name_(std::move(name)) {}
  static std::string drop(const std::string& name) {
    return fmt::format("DROP DATABASE IF EXISTS \"{}\"", name);
  }

  const ports::DatabaseAccess* access_;
  std::string name_;
};
}  // namespace

Result<void> dump(const ports::DatabaseAccess& access, const fs::path& file,
                  std::chrono::milliseconds lock_wait) {
  ECLUSE_TRY(os::output_of(
      command(access, access.database,
              {"pg_dump", "--format=custom", "--no-password",
               fmt::format("--lock-wait-timeout={}", lock_wait.count()), "--file=" + file.string()},
              kDumpMax)));
  return {};
}

Result<Proof> prove_restore(const ports::DatabaseAccess& access, const fs::path& file,
                            const std::string& scratch) {
  ECLUSE_ASSIGN(const std::uint64_t listed, listed_tables(access, file));
  const auto began = Clock::now();
  ECLUSE_ASSIGN(const auto database, ScratchDatabase::make(access, scratch));
  // Who owns what is the server's business: the roles are there as long as it is.
  ECLUSE_TRY(
      os::output_of(command(access, scratch,
                            {"pg_restore", "--exit-on-error", "--no-owner", "--no-privileges",
                             "--no-password", "--dbname=" + scratch, file.string()},
                            kRestoreMax)));
  ECLUSE_ASSIGN(const std::uint64_t restored, restored_tables(access, scratch));
  if (restored < listed)
    return fail(ErrorKind::kInternal,
                fmt::format("{} of its {} tables came back", restored, listed));
  return Proof{listed, std::chrono::duration_cast<Duration>(Clock::now() - began)};
}

Result<std::string> sha256_of(const fs::path& file) {
  std::ifstream in(file, std::ios::binary);
  if (!in) return fail(ErrorKind::kNotFound, fmt::format("{} cannot be read", file.string()));
  crypto_hash_sha256_state state;
  crypto_hash_sha256_init(&state);
  std::array<char, 1 << 16> chunk;
  while (in.read(chunk.data(), chunk.size()) || in.gcount() > 0)
    crypto_hash_sha256_update(&state, reinterpret_cast<const unsigned char*>(chunk.data()),
                              static_cast<unsigned long long>(in.gcount()));
  if (in.bad()) return fail(ErrorKind::kInternal, fmt::format("reading {}", file.string()));
  std::array<unsigned char, crypto_hash_sha256_BYTES> digest;
  crypto_hash_sha256_final(&state, digest.data());
  std::string hex;
  for (const unsigned char byte : digest) hex += fmt::format("{:02x}", byte);
  return hex;
}

}  // namespace ecluse::backup
