#pragma once
// The store's twin: the same answers without a disk, and a fault one can set.

#include <mutex>
#include <optional>
#include <utility>

#include "ports/store.h"

namespace ecluse::sim {

/// Thread-safe. What was committed outlives a simulated crash of the control plane because the
/// simulation owns it.
class MemoryStore : public ports::Store {
 public:
  /// While set, commit() fails with it and changes nothing; a full disk is `Exhausted`.
  void set_fault(std::optional<Error> fault) {
    std::lock_guard guard(mutex_);
    fault_ = std::move(fault);
  }

  Result<void> commit(const ports::Batch& batch) override {
    std::lock_guard guard(mutex_);
    if (fault_) return fail(*fault_);
    for (const auto& event : batch.events) append(event);
    for (const auto& key : batch.erase) state_.erase(key);
    for (const auto& [key, value] : batch.put) state_[key] = value;
    return {};
  }

  Result<std::optional<std::string>> get(const std::string& key) override {
    std::lock_guard guard(mutex_);
    const auto found = state_.find(key);
    if (found == state_.end()) return std::nullopt;
    return found->second;
  }

  Result<std::map<std::string, std::string>> scan(const std::string& prefix) override {
    std::lock_guard guard(mutex_);
    auto end = state_.lower_bound(prefix);
    while (end != state_.end() && end->first.starts_with(prefix)) ++end;
    return std::map<std::string, std::string>(state_.lower_bound(prefix), end);
  }

  Result<std::vector<ports::StoredEvent>> events(const ports::EventQuery& query) override {
    std::lock_guard guard(mutex_);
    return query.newest_first ? select(events_.rbegin(), events_.rend(), query)
                              : select(events_.begin(), events_.end(), query);
  }

 private:
  void append(const ports::StoredEvent& event) {
    events_.push_back(event);
    events_.back().sequence = events_.size();
  }

  template <typename Iterator>
  static std::vector<ports::StoredEvent> select(Iterator begin, Iterator end,
                                                const ports::EventQuery& query) {
    std::vector<ports::StoredEvent> found;
    for (; begin != end && found.size() < query.limit; ++begin) {
      if (matches(*begin, query)) found.push_back(*begin);
    }
    return found;
  }

  static bool matches(const ports::StoredEvent& event, const ports::EventQuery& query) {
    return event.sequence > query.after && event.subject.starts_with(query.subject_prefix) &&
           event.kind.starts_with(query.kind_prefix);
  }

  std::mutex mutex_;
  std::optional<Error> fault_;
  std::vector<ports::StoredEvent> events_;
  std::map<std::string, std::string> state_;
};

}  // namespace ecluse::sim
