#pragma once
// The store's twin, with a disk that can be full and a checker that reads along.

#include <functional>

#include "sim/twins/faults.h"
#include "sim/twins/memory_store.h"

namespace ecluse::sim {

class FaultyStore final : public MemoryStore {
 public:
  Result<void> commit(const ports::Batch& batch) override {
    if (faults)
      if (auto error = faults("store.commit")) return fail(*error);
    if (before_commit) before_commit(batch);
    return MemoryStore::commit(batch);
  }

  Faults faults;
  std::function<void(const ports::Batch&)> before_commit;
};

}  // namespace ecluse::sim
