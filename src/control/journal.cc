#include "control/journal.h"

#include <algorithm>
#include <memory>
#include <utility>

#include "base/log.h"
#include "control/audit.h"

namespace ecluse::control {

namespace {
constexpr std::size_t kEntriesPerWrite = 64;
constexpr Duration kBackoffMax = std::chrono::seconds(5);

void merge(ports::Batch& into, const ports::Batch& batch) {
  into.events.insert(into.events.end(), batch.events.begin(), batch.events.end());
  for (const auto& key : batch.erase) {
    into.put.erase(key);
    into.erase.push_back(key);
  }
  for (const auto& [key, value] : batch.put) {
    std::erase(into.erase, key);
    into.put[key] = value;
  }
}
}  // namespace

void Journal::append(ports::Batch batch, std::vector<std::function<void()>> after) {
  Entry entry{std::move(batch), std::move(after)};
  if (waiting_.size() < kEntriesMax) {
    waiting_.push_back(std::move(entry));
  } else {
    fold(std::move(entry));
  }
  pump();
}

/// Into the last one, which no write under way has taken: that takes fewer than wait here.
void Journal::fold(Entry entry) {
  static_assert(kEntriesPerWrite < kEntriesMax);
  Entry& last = waiting_.back();
  merge(last.batch, entry.batch);
  for (auto& next : entry.after) last.after.push_back(std::move(next));
  auto& events = last.batch.events;
  if (events.size() <= kFoldedEventsMax) return;
  events_lost_ += events.size() - kFoldedEventsMax;
  events.resize(kFoldedEventsMax);
}

void Journal::tell_gap() {
  const std::string lost = std::to_string(std::exchange(events_lost_, 0));
  log_error("{} events were lost while state could not be written", lost);
  ports::Batch batch;
  batch.events.push_back(event_of("ecluse", "audit.gap", "ecluse", {{"events_lost", lost}},
                                  clock_.now(), clock_.wall()));
  append(std::move(batch), {});
}

void Journal::pump() {
  if (writing_ || waiting_.empty() || retry_at_) return;
  writing_ = true;
  const std::size_t entries = std::min(waiting_.size(), kEntriesPerWrite);
  const auto whole = std::make_shared<ports::Batch>();
  for (std::size_t i = 0; i < entries; ++i) merge(*whole, waiting_[i].batch);
  executor_.run({"journal", Urgency::kNormal}, [this, whole, entries]() -> Completion {
    auto result = store_.commit(*whole);
    return [this, entries, result = std::move(result)] {
      writing_ = false;
      if (!result) return failed(result.error());
      written(entries);
    };
  });
}

void Journal::failed(const Error& error) {
  if (failures_ == 0) log_error("writing state: {}", error.message);
  trouble_ = error;
  const auto wait =
      std::min(kBackoffMax, std::chrono::milliseconds(100) * (1 << std::min(failures_, 6U)));
  failures_ += 1;
  retry_at_ = clock_.now() + wait;
}

void Journal::written(std::size_t entries) {
  if (trouble_) log_info("writing state works again");
  trouble_.reset();
  failures_ = 0;
  generation_ += 1;
  std::vector<std::function<void()>> after;
  for (std::size_t i = 0; i < entries; ++i) {
    for (auto& next : waiting_.front().after) after.push_back(std::move(next));
    waiting_.pop_front();
  }
  if (events_lost_ > 0 && waiting_.empty()) tell_gap();
  for (const auto& next : after) next();
  pump();
}

void Journal::tick(TimePoint now) {
  if (!retry_at_ || *retry_at_ > now) return;
  retry_at_.reset();
  pump();
}

}  // namespace ecluse::control
