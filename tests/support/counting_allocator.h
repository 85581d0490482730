// CountingAllocator: counts what is out, and has nothing left when a test says so. Thread-safe.
#ifndef CACHECHAIN_TESTS_SUPPORT_COUNTING_ALLOCATOR_H_
#define CACHECHAIN_TESTS_SUPPORT_COUNTING_ALLOCATOR_H_

#include <atomic>
#include <cstdint>

#include "base/allocator.h"

namespace cachechain {

class CountingAllocator final : public Allocator {
 public:
  void *alloc(uint64_t size, uint64_t align) noexcept override {
    ++asked;
    if (failing) return nullptr;
    ++live;
    return Allocator::system().alloc(size, align);
  }
  void free(void *memory, uint64_t size, uint64_t align) noexcept override {
    if (memory != nullptr) --live;
    Allocator::system().free(memory, size, align);
  }

  std::atomic<int> asked{0};
  std::atomic<int> live{0};
  std::atomic<bool> failing{false};
};

}  // namespace cachechain

#endif  // CACHECHAIN_TESTS_SUPPORT_COUNTING_ALLOCATOR_H_
