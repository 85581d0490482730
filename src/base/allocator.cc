#include "base/allocator.h"

#include <bit>
#include <cstddef>
#include <cstdlib>

namespace cachechain {
namespace {

class SystemAllocator final : public Allocator {
 public:
  void *alloc(uint64_t size, uint64_t align) noexcept override {
    if (!std::has_single_bit(align) || size > PTRDIFF_MAX || align > kMaxAlign) return nullptr;
    if (size == 0) size = 1;
    if (align <= alignof(std::max_align_t)) return std::malloc(size);
    void *memory = nullptr;
    return posix_memalign(&memory, align, size) == 0 ? memory : nullptr;
  }

  void free(void *memory, uint64_t, uint64_t) noexcept override { std::free(memory); }

 private:
  static constexpr uint64_t kMaxAlign = uint64_t{1} << 30;
};

}  // namespace

Allocator &Allocator::system() {
  static SystemAllocator *const allocator = new SystemAllocator;  // values are freed after static destructors
  return *allocator;
}

}  // namespace cachechain
