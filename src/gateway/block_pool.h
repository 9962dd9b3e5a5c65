#pragma once
// Buffers of one size, recycled by the thread that owns the pool. A connection holds one only while
// bytes are on their way through it.

#include <cstddef>
#include <memory>
#include <utility>

namespace ecluse::gateway {

struct Block {
  static constexpr std::size_t kBytes = 65536 - 16;
  Block* next = nullptr;
  char bytes[kBytes];
};

class BlockPool {
 public:
  BlockPool() = default;
  BlockPool(const BlockPool&) = delete;
  BlockPool& operator=(const BlockPool&) = delete;
  ~BlockPool() {
    while (free_ != nullptr) std::unique_ptr<Block>(std::exchange(free_, free_->next));
  }
  Block* acquire() {
    ++lent_;
    if (free_ == nullptr) return std::make_unique_for_overwrite<Block>().release();
    --kept_;
    return std::exchange(free_, free_->next);
  }
  void release(Block* block) {
    --lent_;
    if (kept_ == kKeptMax) {
      std::unique_ptr<Block>{block}.reset();
      return;
    }
    ++kept_;
    block->next = std::exchange(free_, block);
  }
  /// Blocks that were not given back.
  std::size_t lent() const { return lent_; }

 private:
  static constexpr std::size_t kKeptMax = 128;  ///< 8 MiB a thread
  Block* free_ = nullptr;
  std::size_t kept_ = 0;
  std::size_t lent_ = 0;
};

}  // namespace ecluse::gateway
