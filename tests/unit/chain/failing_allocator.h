// FailingAllocator: fails once, at the allocation of that number; counts what is out. Thread-safe.
#ifndef CACHECHAIN_TESTS_UNIT_CHAIN_FAILING_ALLOCATOR_H_
#define CACHECHAIN_TESTS_UNIT_CHAIN_FAILING_ALLOCATOR_H_

#include <atomic>
#include <cstdint>

#include "base/allocator.h"

namespace cachechain {

class FailingAllocator final : public Allocator {
 public:
  void *alloc(uint64_t size, uint64_t align) noexcept override {
    if (++asked_ == fail_at_) return nullptr;
    ++out_;
    return Allocator::system().alloc(size, align);
  }
  void free(void *memory, uint64_t size, uint64_t align) noexcept override {
    if (memory != nullptr) --out_;
    Allocator::system().free(memory, size, align);
  }
  void fail_at(int64_t number) {
    asked_ = 0;
    fail_at_ = number;
  }
  int64_t asked() const { return asked_; }
  int64_t out() const { return out_; }

 private:
  std::atomic<int64_t> asked_{0};
  std::atomic<int64_t> fail_at_{0};
  std::atomic<int64_t> out_{0};
};

}  // namespace cachechain

#endif  // CACHECHAIN_TESTS_UNIT_CHAIN_FAILING_ALLOCATOR_H_
