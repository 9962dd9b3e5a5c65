#pragma once
// Reads syntax trees in a second thread, and hands what was read to the collector in the order in
// which the files came: what is found does not depend on who was faster. What a store knows of
// a file is not read again.

#include <condition_variable>
#include <deque>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "preflight/facts/repository.h"
#include "preflight/tree/fact_store.h"

namespace ecluse::preflight {

/// Of one walk; every function is for the thread that made it. `out` and `store`, which may be
/// null, must outlive it.
class Readers {
 public:
  Readers(Collector& out, FactStore* store);
  ~Readers();
  Readers(const Readers&) = delete;
  Readers& operator=(const Readers&) = delete;

  /// A file and its bytes. Blocks while kFilesAhead are not read yet, and reads meanwhile.
  void take(FileFact fact, std::string bytes);
  /// Everything that was taken is in the collector afterwards.
  void finish();

 private:
  enum class State { kWaiting, kRunning, kDone };
  struct Job {
    FileFact fact;
    std::string bytes;
    Prepared made;
    FactStore::Key key{};
    std::string news;  ///< what the store does not know of it yet
    State state = State::kDone;
  };

  static constexpr std::size_t kFilesAhead = 256;
  static constexpr std::size_t kBatch = 16;  ///< files that a thread takes at once
  static constexpr unsigned kThreadsMax = 3;

  void work();
  void read(Job& job) const;
  void read_one(std::unique_lock<std::mutex>& lock);
  void deliver_first(std::unique_lock<std::mutex>& lock);

  Collector& out_;
  FactStore* store_;
  std::mutex mutex_;
  std::condition_variable more_;
  std::condition_variable done_;
  std::deque<Job> jobs_;      ///< in their order; references stay valid while others come and go
  std::deque<Job*> waiting_;  ///< those of them that nobody has begun
  bool ended_ = false;
  std::vector<std::thread> threads_;
};

}  // namespace ecluse::preflight
