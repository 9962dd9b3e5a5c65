// Linked into a gateway for one test: every operator new and delete of all its processes is counted
// in the file that ECLUSE_COUNT_ALLOCATIONS names, which the test maps too. Two 64-bit numbers:
// taken, given back.
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <atomic>
#include <cstdint>
#include <cstdlib>
#include <new>

namespace {
struct Counts {
  std::atomic<std::uint64_t> taken;
  std::atomic<std::uint64_t> given_back;
};
Counts* counts = nullptr;

__attribute__((constructor)) void map_counts() {
  const char* const file = std::getenv("ECLUSE_COUNT_ALLOCATIONS");
  if (file == nullptr) return;
  const int fd = ::open(file, O_RDWR | O_CLOEXEC);
  void* const mapping = ::mmap(nullptr, sizeof(Counts), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  if (fd < 0 || mapping == MAP_FAILED) std::abort();  // the test would count nothing and be green
  ::close(fd);
  counts = static_cast<Counts*>(mapping);
}

void* taken(void* memory) {
  if (memory == nullptr) throw std::bad_alloc();
  if (counts != nullptr) counts->taken.fetch_add(1, std::memory_order_relaxed);
  return memory;
}

void give_back(void* memory) {
  if (memory != nullptr && counts != nullptr) {
    counts->given_back.fetch_add(1, std::memory_order_relaxed);
  }
  std::free(memory);
}
}  // namespace

// The array and nothrow forms of the library call these.
void* operator new(std::size_t bytes) {
  return taken(std::malloc(bytes == 0 ? 1 : bytes));
}
void* operator new(std::size_t bytes, std::align_val_t alignment) {
  const auto boundary = static_cast<std::size_t>(alignment);
  return taken(std::aligned_alloc(boundary, (bytes + boundary - 1) / boundary * boundary));
}
void operator delete(void* memory) noexcept {
  give_back(memory);
}
void operator delete(void* memory, std::size_t) noexcept {
  give_back(memory);
}
void operator delete(void* memory, std::align_val_t) noexcept {
  give_back(memory);
}
void operator delete(void* memory, std::size_t, std::align_val_t) noexcept {
  give_back(memory);
}
