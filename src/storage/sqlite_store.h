#pragma once
// The control plane's memory in one SQLite file (docs/state.md): write-ahead log, synchronous FULL,
// one transaction per commit. Every row carries a checksum, so a flipped byte is an error with a
// name and never a decision.

#include <filesystem>
#include <memory>

#include "ports/store.h"

namespace ecluse::storage {

struct SqliteStoreOptions {
  /// The newest events that are kept; older ones go with the commit that exceeds it.
  std::uint64_t events_max = 200'000;
};

/// Owns the file's connections. commit() by one thread; the rest is thread-safe and does not wait
/// for a commit that is slow to reach the disk.
class SqliteStore : public ports::Store {
 public:
  /// Creates the file whole or not at all when it is missing. Internal: the file is damaged (the
  /// message names it); nothing of it was changed. Refused: a newer ecluse wrote it.
  static Result<std::unique_ptr<SqliteStore>> open(const std::filesystem::path& path,
                                                   SqliteStoreOptions options = {});
  ~SqliteStore() override;

  Result<void> commit(const ports::Batch& batch) override;
  Result<std::optional<std::string>> get(const std::string& key) override;
  Result<std::map<std::string, std::string>> scan(const std::string& prefix) override;
  Result<std::vector<ports::StoredEvent>> events(const ports::EventQuery& query) override;

  /// The latest ecluse time of any kept event: a floor for the clock when its own file was lost.
  Result<TimePoint> newest_time();

 private:
  struct Connections;
  explicit SqliteStore(std::unique_ptr<Connections> connections);
  std::unique_ptr<Connections> connections_;
};

}  // namespace ecluse::storage
