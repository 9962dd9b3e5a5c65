#include "control/journal.h"

#include <algorithm>
#include <memory>

#include "base/log.h"

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
  waiting_.push_back({std::move(batch), std::move(after)});
  pump();
}

void Journal::pump() {
  if (writing_ || waiting_.empty() || retry_at_) return;
  writing_ = true;
  const std::size_t entries = std::min(waiting_.size(), kEntriesPerWrite);
  const auto whole = std::make_shared<ports::Batch>();
  for (std::size_t i = 0; i < entries; ++i) merge(*whole, waiting_[i].batch);
  executor_.run({"journal", Urgency::kNormal}, [this, whole, entries]() -> Completion {
    auto result = ports_.store.commit(*whole);
    return [this, entries, result = std::move(result)] { written(entries, result); };
  });
}

void Journal::written(std::size_t entries, const Result<void>& result) {
  writing_ = false;
  if (!result) {
    if (failures_ == 0) log_error("writing state: {}", result.error().message);
    trouble_ = result.error();
    const auto wait =
        std::min(kBackoffMax, std::chrono::milliseconds(100) * (1 << std::min(failures_, 6U)));
    failures_ += 1;
    retry_at_ = ports_.clock.now() + wait;
    return;
  }
  if (trouble_) log_info("writing state works again");
  trouble_.reset();
  failures_ = 0;
  generation_ += 1;
  std::vector<std::function<void()>> after;
  for (std::size_t i = 0; i < entries; ++i) {
    for (auto& next : waiting_.front().after) after.push_back(std::move(next));
    waiting_.pop_front();
  }
  for (const auto& next : after) next();
  pump();
}

void Journal::tick(TimePoint now) {
  if (!retry_at_ || *retry_at_ > now) return;
  retry_at_.reset();
  pump();
}

}  // namespace ecluse::control
