// Allocator: where memory that plugins ask their host for comes from. Thread-safe. Tests inject one that counts and
// fails. An allocator outlives everything that was allocated from it.
#ifndef CACHECHAIN_BASE_ALLOCATOR_H_
#define CACHECHAIN_BASE_ALLOCATOR_H_

#include <cstdint>

namespace cachechain {

class Allocator {
 public:
  virtual ~Allocator() = default;
  // NULL if there is none, or if `align` is not a power of two. Size 0 gives memory that must be freed too.
  virtual void *alloc(uint64_t size, uint64_t align) noexcept = 0;
  // With the size and alignment that it was asked for. Accepts NULL.
  virtual void free(void *memory, uint64_t size, uint64_t align) noexcept = 0;

  // The heap. Lives as long as the process.
  static Allocator &system();
};

}  // namespace cachechain

#endif  // CACHECHAIN_BASE_ALLOCATOR_H_
