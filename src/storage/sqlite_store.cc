#include "storage/sqlite_store.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>

#include "base/locked.h"
#include "os/fd.h"
#include "os/file.h"
#include "storage/row_sum.h"
#include "storage/sqlite.h"

namespace ecluse::storage {

namespace {
namespace fs = std::filesystem;

constexpr std::string_view kApplicationId = "1162038355";  // "ECLS" in the file's header
constexpr std::string_view kSchemaVersion = "1";
constexpr const char* kSchema = R"sql(
PRAGMA application_id = 1162038355;
PRAGMA user_version = 1;
PRAGMA journal_mode = WAL;
CREATE TABLE event(
  sequence INTEGER PRIMARY KEY, at_ms INTEGER NOT NULL, wall_ms INTEGER NOT NULL,
  subject TEXT NOT NULL, kind TEXT NOT NULL, actor TEXT NOT NULL, body TEXT NOT NULL,
  sum INTEGER NOT NULL) STRICT;
CREATE TABLE state(
  key TEXT PRIMARY KEY, value TEXT NOT NULL, sum INTEGER NOT NULL) STRICT, WITHOUT ROWID;
)sql";

// Small caches: the state is a few hundred rows. The log is bounded by its checkpoints.
constexpr const char* kSettings = R"sql(
PRAGMA synchronous = FULL;
PRAGMA cache_size = -256;
PRAGMA mmap_size = 0;
PRAGMA wal_autocheckpoint = 256;
PRAGMA journal_size_limit = 4194304;
PRAGMA foreign_keys = OFF;
)sql";

constexpr const char* kRestore =
    "nothing was written to it; put a copy of it aside and restore a backup";

tl::unexpected<Error> damaged(const fs::path& path, std::string_view why) {
  return fail(ErrorKind::kInternal, fmt::format("state file {} is damaged: {}", path.string(), why),
              kRestore);
}

Result<void> create_empty(const fs::path& path) {
  const os::Fd fd(::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600));
  if (!fd) return fail(from_errno(errno, fmt::format("create {}", path.string())));
  return {};
}

Result<void> write_schema(const fs::path& path) {
  ECLUSE_TRY(create_empty(path));
  ECLUSE_ASSIGN(Database database, Database::open(path));
  return database.execute(kSchema);
}

Result<void> sync(const fs::path& path, int flags) {
  const os::Fd fd(::open(path.c_str(), flags | O_CLOEXEC));
  if (!fd || ::fsync(fd.get()) != 0) {
    return fail(from_errno(errno, fmt::format("fsync {}", path.string())));
  }
  return {};
}

/// The finished file appears under its name at once, so an empty or headless one is always damage.
Result<void> create(const fs::path& path) {
  const fs::path fresh = path.string() + ".new";
  ECLUSE_TRY(write_schema(fresh));
  ECLUSE_TRY(sync(fresh, O_RDONLY));
  if (::rename(fresh.c_str(), path.c_str()) != 0) {
    return fail(from_errno(errno, fmt::format("rename {}", fresh.string())));
  }
  return sync(path.parent_path(), O_RDONLY | O_DIRECTORY);
}

Result<void> create_if_missing(const fs::path& path) {
  std::error_code error;
  if (!fs::exists(path, error)) {
    if (error) return fail(from_errno(error.value(), path.string()));
    const fs::path log = path.string() + "-wal";
    if (fs::exists(log, error)) {
      return damaged(path, fmt::format("it is missing, but {} is there", log.string()));
    }
    return create(path);
  }
  const auto size = fs::file_size(path, error);
  if (error) return fail(from_errno(error.value(), path.string()));
  if (size == 0) return damaged(path, "it is empty");
  return {};
}

Result<void> check_version(Database& database, const fs::path& path) {
  ECLUSE_ASSIGN(const std::string application, database.value("PRAGMA application_id"));
  if (application != kApplicationId) return damaged(path, "it is not a state file of ecluse");
  ECLUSE_ASSIGN(const std::string version, database.value("PRAGMA user_version"));
  if (version == kSchemaVersion) return {};
  return fail(ErrorKind::kRefused,
              fmt::format("state file {} has format {}, this ecluse knows format {}", path.string(),
                          version, kSchemaVersion),
              "run the ecluse that wrote it, or a newer one");
}

Result<void> check_structure(Database& database, const fs::path& path) {
  ECLUSE_ASSIGN(const std::string verdict, database.value("PRAGMA quick_check(1)"));
  if (verdict != "ok") return damaged(path, verdict);
  return {};
}

std::int64_t sum_of(const ports::StoredEvent& event) {
  return row_sum(
      {event.subject, event.kind, event.actor, event.body},
      {static_cast<std::int64_t>(event.sequence), ms_of(event.at), event.wall.ms_since_epoch});
}

/// Until the file has proven sound, not even closing it may change it.
Result<Database> open_checked(const fs::path& path) {
  ECLUSE_ASSIGN(Database database, Database::open(path));
  database.checkpoint_on_close(false);
  ECLUSE_TRY(check_version(database, path));
  ECLUSE_TRY(check_structure(database, path));
  return database;
}

struct Writer {
  Database database;
  Statement insert_event, put, erase, trim;
  std::uint64_t last_sequence = 0;
};

struct Reader {
  Database database;
  Statement get, scan, oldest_first, newest_first, newest_time;
};

Result<Writer> make_writer(Database database) {
  database.checkpoint_on_close(true);
  ECLUSE_TRY(database.execute(kSettings));
  ECLUSE_ASSIGN(Statement insert_event,
                database.prepare("INSERT INTO event VALUES(?1,?2,?3,?4,?5,?6,?7,?8)"));
  ECLUSE_ASSIGN(Statement put, database.prepare("INSERT OR REPLACE INTO state VALUES(?1,?2,?3)"));
  ECLUSE_ASSIGN(Statement erase, database.prepare("DELETE FROM state WHERE key = ?1"));
  ECLUSE_ASSIGN(Statement trim, database.prepare("DELETE FROM event WHERE sequence <= ?1"));
  ECLUSE_ASSIGN(Statement last, database.prepare("SELECT max(sequence) FROM event"));
  ECLUSE_TRY(last.step());
  const auto last_sequence = static_cast<std::uint64_t>(last.number(0));
  return Writer{std::move(database), std::move(insert_event), std::move(put),
                std::move(erase),    std::move(trim),         last_sequence};
}

Result<Reader> make_reader(const fs::path& path) {
  ECLUSE_ASSIGN(Database database, Database::open(path));
  ECLUSE_TRY(database.execute(kSettings));
  ECLUSE_TRY(database.execute("PRAGMA query_only = ON"));
  ECLUSE_ASSIGN(Statement get,
                database.prepare("SELECT key, value, sum FROM state WHERE key = ?1"));
  ECLUSE_ASSIGN(Statement scan,
                database.prepare("SELECT key, value, sum FROM state WHERE key >= ?1 ORDER BY key"));
  ECLUSE_ASSIGN(Statement oldest_first,
                database.prepare("SELECT * FROM event WHERE sequence > ?1 ORDER BY sequence"));
  ECLUSE_ASSIGN(Statement newest_first,
                database.prepare("SELECT * FROM event WHERE sequence > ?1 ORDER BY sequence DESC"));
  ECLUSE_ASSIGN(Statement newest_time, database.prepare("SELECT max(at_ms) FROM event"));
  return Reader{std::move(database),     std::move(get),          std::move(scan),
                std::move(oldest_first), std::move(newest_first), std::move(newest_time)};
}

Result<void> insert(Writer& writer, ports::StoredEvent event, std::uint64_t sequence) {
  event.sequence = sequence;
  return writer.insert_event.reset()
      .bind(1, static_cast<std::int64_t>(event.sequence))
      .bind(2, ms_of(event.at))
      .bind(3, event.wall.ms_since_epoch)
      .bind(4, event.subject)
      .bind(5, event.kind)
      .bind(6, event.actor)
      .bind(7, event.body)
      .bind(8, sum_of(event))
      .run();
}

Result<void> put(Writer& writer, const std::string& key, const std::string& value) {
  return writer.put.reset().bind(1, key).bind(2, value).bind(3, row_sum({key, value}, {})).run();
}

Result<void> trim(Writer& writer, std::uint64_t last, std::uint64_t events_max) {
  if (last <= events_max) return {};
  return writer.trim.reset().bind(1, static_cast<std::int64_t>(last - events_max)).run();
}

/// Erasing comes first: a batch that does both to one key means the new value.
Result<std::uint64_t> write(Writer& writer, const ports::Batch& batch, std::uint64_t events_max) {
  std::uint64_t sequence = writer.last_sequence;
  for (const auto& event : batch.events) ECLUSE_TRY(insert(writer, event, ++sequence));
  for (const auto& key : batch.erase) ECLUSE_TRY(writer.erase.reset().bind(1, key).run());
  for (const auto& [key, value] : batch.put) ECLUSE_TRY(put(writer, key, value));
  ECLUSE_TRY(trim(writer, sequence, events_max));
  return sequence;
}

Result<void> commit_to(Writer& writer, const ports::Batch& batch, std::uint64_t events_max) {
  ECLUSE_ASSIGN(Transaction transaction, Transaction::begin(writer.database));
  ECLUSE_ASSIGN(const std::uint64_t sequence, write(writer, batch, events_max));
  ECLUSE_TRY(transaction.commit());
  writer.last_sequence = sequence;
  return {};
}

struct Pair {
  std::string key;
  std::string value;
};

Result<Pair> pair_of(const Statement& row, const fs::path& path) {
  Pair pair{std::string(row.text(0)), std::string(row.text(1))};
  if (row_sum({pair.key, pair.value}, {}) == row.number(2)) return pair;
  return damaged(path, fmt::format("the value of {} is not what was written", pair.key));
}

Result<ports::StoredEvent> event_of(const Statement& row, const fs::path& path) {
  ports::StoredEvent event;
  event.sequence = static_cast<std::uint64_t>(row.number(0));
  event.at = time_at(row.number(1));
  event.wall = WallTime{row.number(2)};
  event.subject = row.text(3);
  event.kind = row.text(4);
  event.actor = row.text(5);
  event.body = row.text(6);
  if (sum_of(event) == row.number(7)) return event;
  return damaged(path, fmt::format("event {} is not what was written", event.sequence));
}

bool matches(const Statement& row, const ports::EventQuery& query) {
  return row.text(3).starts_with(query.subject_prefix) &&
         row.text(4).starts_with(query.kind_prefix);
}

/// Gives the read lock back however we leave, so that checkpoints can proceed.
class Reading {
 public:
  explicit Reading(Statement& statement) : statement_(statement) { statement_.reset(); }
  Reading(const Reading&) = delete;
  Reading& operator=(const Reading&) = delete;
  ~Reading() { statement_.reset(); }
  Statement* operator->() { return &statement_; }
  const Statement& row() const { return statement_; }

 private:
  Statement& statement_;
};

Result<std::map<std::string, std::string>> scan_in(Reader& reader, const std::string& prefix,
                                                   const fs::path& path) {
  std::map<std::string, std::string> found;
  Reading reading(reader.scan);
  reading->bind(1, prefix);
  for (;;) {
    ECLUSE_ASSIGN(const bool row, reading->step());
    if (!row || !reading.row().text(0).starts_with(prefix)) return found;
    ECLUSE_ASSIGN(Pair pair, pair_of(reading.row(), path));
    found.emplace_hint(found.end(), std::move(pair.key), std::move(pair.value));
  }
}

Result<std::vector<ports::StoredEvent>> events_in(Reader& reader, const ports::EventQuery& query,
                                                  const fs::path& path) {
  std::vector<ports::StoredEvent> found;
  Reading reading(query.newest_first ? reader.newest_first : reader.oldest_first);
  reading->bind(1, static_cast<std::int64_t>(query.after));
  while (found.size() < query.limit) {
    ECLUSE_ASSIGN(const bool row, reading->step());
    if (!row) return found;
    if (!matches(reading.row(), query)) continue;
    ECLUSE_ASSIGN(ports::StoredEvent event, event_of(reading.row(), path));
    found.push_back(std::move(event));
  }
  return found;
}
}  // namespace

struct SqliteStore::Connections {
  fs::path path;
  SqliteStoreOptions options;
  Locked<Writer> writer;
  Locked<Reader> reader;
};

SqliteStore::SqliteStore(std::unique_ptr<Connections> connections)
    : connections_(std::move(connections)) {}
SqliteStore::~SqliteStore() = default;

Result<std::unique_ptr<SqliteStore>> SqliteStore::open(const fs::path& path,
                                                       SqliteStoreOptions options) {
  ECLUSE_TRY(create_if_missing(path));
  ECLUSE_ASSIGN(Database database, open_checked(path));
  ECLUSE_ASSIGN(Writer writer, make_writer(std::move(database)));
  ECLUSE_ASSIGN(Reader reader, make_reader(path));
  ECLUSE_TRY(scan_in(reader, "", path));  // proves every value before anything decides by one
  // Not make_unique: a lock can be built in place but not moved there.
  std::unique_ptr<Connections> connections(new Connections{
      path, options, Locked<Writer>(std::move(writer)), Locked<Reader>(std::move(reader))});
  return std::unique_ptr<SqliteStore>(new SqliteStore(std::move(connections)));
}

Result<void> SqliteStore::commit(const ports::Batch& batch) {
  return connections_->writer.with(
      [&](Writer& writer) { return commit_to(writer, batch, connections_->options.events_max); });
}

Result<std::optional<std::string>> SqliteStore::get(const std::string& key) {
  return connections_->reader.with([&](Reader& reader) -> Result<std::optional<std::string>> {
    Reading reading(reader.get);
    reading->bind(1, key);
    ECLUSE_ASSIGN(const bool row, reading->step());
    if (!row) return std::nullopt;
    ECLUSE_ASSIGN(Pair pair, pair_of(reading.row(), connections_->path));
    return std::move(pair.value);
  });
}

Result<std::map<std::string, std::string>> SqliteStore::scan(const std::string& prefix) {
  return connections_->reader.with(
      [&](Reader& reader) { return scan_in(reader, prefix, connections_->path); });
}

Result<std::vector<ports::StoredEvent>> SqliteStore::events(const ports::EventQuery& query) {
  return connections_->reader.with(
      [&](Reader& reader) { return events_in(reader, query, connections_->path); });
}

Result<TimePoint> SqliteStore::newest_time() {
  return connections_->reader.with([](Reader& reader) -> Result<TimePoint> {
    Reading reading(reader.newest_time);
    ECLUSE_TRY(reading->step());
    return time_at(reading.row().number(0));
  });
}

}  // namespace ecluse::storage
