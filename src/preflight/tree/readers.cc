#include "preflight/tree/readers.h"

#include <algorithm>

#include "preflight/facts/prepared_bytes.h"

namespace ecluse::preflight {

Readers::Readers(Collector& out, FactStore* store) : out_(out), store_(store) {
  const auto threads = std::clamp(std::thread::hardware_concurrency(), 1U, kThreadsMax);
  // The thread that walks reads, too, when it would have to wait.
  for (unsigned i = 1; i < threads; ++i) threads_.emplace_back([this] { work(); });
}

Readers::~Readers() {
  {
    const std::lock_guard guard(mutex_);
    ended_ = true;
  }
  more_.notify_all();
  for (auto& each : threads_) each.join();
}

void Readers::work() {
  std::vector<Job*> batch;
  std::unique_lock lock(mutex_);
  while (true) {
    more_.wait(lock, [&] { return ended_ || !waiting_.empty(); });
    if (ended_) return;
    const auto count = std::min(waiting_.size(), kBatch);
    batch.assign(waiting_.begin(), waiting_.begin() + static_cast<std::ptrdiff_t>(count));
    waiting_.erase(waiting_.begin(), waiting_.begin() + static_cast<std::ptrdiff_t>(count));
    for (auto* job : batch) job->state = State::kRunning;
    lock.unlock();
    for (auto* job : batch) read(*job);
    lock.lock();
    for (auto* job : batch) job->state = State::kDone;
    done_.notify_one();
  }
}

void Readers::read(Job& job) const {
  if (!store_) {
    job.made = Collector::prepare(job.fact.path, job.bytes);
    return;
  }
  job.key = FactStore::key_of(job.fact.path, job.bytes);
  const auto known = store_->find(job.key);
  if (auto made = known ? from_bytes(*known) : std::nullopt) {
    job.made = std::move(*made);
    return;
  }
  job.made = Collector::prepare(job.fact.path, job.bytes);
  job.news = to_bytes(job.made);
}

void Readers::read_one(std::unique_lock<std::mutex>& lock) {
  auto& job = *waiting_.front();
  waiting_.pop_front();
  job.state = State::kRunning;
  lock.unlock();
  read(job);
  lock.lock();
  job.state = State::kDone;
}

void Readers::deliver_first(std::unique_lock<std::mutex>& lock) {
  auto& first = jobs_.front();
  while (first.state != State::kDone) {
    if (waiting_.empty())
      done_.wait(lock);
    else
      read_one(lock);
  }
  Job job = std::move(first);
  jobs_.pop_front();
  lock.unlock();
  if (!Collector::is_source(job.fact.path)) {
    out_.content(job.fact, job.bytes);
  } else {
    if (store_ && job.news.empty()) store_->keep(job.key);
    if (store_ && !job.news.empty()) store_->keep(job.key, std::move(job.news));
    out_.content(job.fact, std::move(job.made));
  }
  lock.lock();
}

void Readers::take(FileFact fact, std::string bytes) {
  const bool source = Collector::is_source(fact.path);
  std::unique_lock lock(mutex_);
  while (jobs_.size() >= kFilesAhead) deliver_first(lock);
  jobs_.push_back({.fact = std::move(fact),
                   .bytes = std::move(bytes),
                   .made = {},
                   .state = source ? State::kWaiting : State::kDone});
  if (source) waiting_.push_back(&jobs_.back());
  // For less, waking a thread costs more than it saves.
  const bool enough = !waiting_.empty() && waiting_.size() % kBatch == 0;
  lock.unlock();
  if (enough) more_.notify_one();
}

void Readers::finish() {
  std::unique_lock lock(mutex_);
  while (!jobs_.empty()) deliver_first(lock);
}

}  // namespace ecluse::preflight
