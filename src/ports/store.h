#pragma once
// What the control plane remembers: an append-only log of events and the newest state of each
// machine, changed together or not at all.

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "base/time.h"

namespace ecluse::ports {

/// One line of the audit log. `body` is JSON text without secrets.
struct StoredEvent {
  std::uint64_t sequence = 0;  ///< given by the store, from 1, without gaps
  TimePoint at;
  WallTime wall;
  std::string subject;  ///< "lettings/prod", "app lettings", "ecluse"
  std::string kind;     ///< "rollout.started"
  std::string actor;    ///< who asked; "ecluse" when nobody did
  std::string body;
};

/// Written in one transaction: durable when commit() returns.
struct Batch {
  std::vector<StoredEvent> events;
  std::map<std::string, std::string> put;  ///< key to JSON text: "rollout/lettings/prod"
  std::vector<std::string> erase;
};

struct EventQuery {
  std::string subject_prefix;  ///< empty: all
  std::string kind_prefix;
  std::uint64_t after = 0;  ///< only later sequences
  std::size_t limit = 100;
  bool newest_first = false;
};

/// commit() is called by one thread; the rest is thread-safe.
/// Exhausted: the disk is full, nothing was written. Internal: the file is damaged, and the message
/// names it; nothing is overwritten.
class Store {
 public:
  virtual ~Store() = default;
  virtual Result<void> commit(const Batch& batch) = 0;
  virtual Result<std::optional<std::string>> get(const std::string& key) = 0;
  /// All pairs whose key starts with `prefix`, in order of key.
  virtual Result<std::map<std::string, std::string>> scan(const std::string& prefix) = 0;
  virtual Result<std::vector<StoredEvent>> events(const EventQuery& query) = 0;
};

}  // namespace ecluse::ports
