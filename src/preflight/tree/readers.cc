#include "preflight/tree/readers.h"

#include <algorithm>

namespace ecluse::preflight {

Readers::Readers(Collector& out) : out_(out) {
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

Readers::Job* Readers::next_waiting() {
  const auto found = std::ranges::find(jobs_, State::kWaiting, &Job::state);
  return found == jobs_.end() ? nullptr : &*found;
}

void Readers::work() {
  std::unique_lock lock(mutex_);
  while (true) {
    more_.wait(lock, [&] { return ended_ || next_waiting() != nullptr; });
    auto* job = next_waiting();
    if (ended_ || job == nullptr) return;
    job->state = State::kRunning;
    lock.unlock();
    job->made = Collector::prepare(job->fact.path, job->bytes);
    lock.lock();
    job->state = State::kDone;
    done_.notify_one();
  }
}

void Readers::deliver_first(std::unique_lock<std::mutex>& lock) {
  auto& first = jobs_.front();
  if (first.state == State::kWaiting) {
    first.state = State::kRunning;
    lock.unlock();
    first.made = Collector::prepare(first.fact.path, first.bytes);
    lock.lock();
    first.state = State::kDone;
  }
  done_.wait(lock, [&] { return first.state == State::kDone; });
  const Job job = std::move(first);
  jobs_.pop_front();
  lock.unlock();
  if (Collector::is_source(job.fact.path))
    out_.content(job.fact, job.made);
  else
    out_.content(job.fact, job.bytes);
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
  lock.unlock();
  if (source) more_.notify_one();
}

void Readers::finish() {
  std::unique_lock lock(mutex_);
  while (!jobs_.empty()) deliver_first(lock);
}

}  // namespace ecluse::preflight
