// OwnedBytes: memory of the core's allocator that can be handed out as a view. The bytes lie behind the head, so there
// is one allocation, which the value's release() gives back on whichever thread.
#ifndef CACHECHAIN_PLUGIN_OWNED_BYTES_H_
#define CACHECHAIN_PLUGIN_OWNED_BYTES_H_

#include <cstdint>
#include <memory>
#include <new>
#include <span>
#include <utility>

#include "base/allocator.h"
#include "cachechain/cachechain.h"

namespace cachechain {

class OwnedBytes {
 public:
  struct Release {
    void operator()(OwnedBytes *bytes) const { release(bytes); }
  };
  using Ptr = std::unique_ptr<OwnedBytes, Release>;

  // NULL if there is no memory.
  static Ptr make(Allocator &allocator, uint64_t size) {
    if (size > UINT64_MAX - sizeof(OwnedBytes)) return nullptr;
    void *const memory = allocator.alloc(sizeof(OwnedBytes) + size, alignof(OwnedBytes));
    return Ptr(memory == nullptr ? nullptr : new (memory) OwnedBytes(allocator, size));
  }

  std::span<uint8_t> bytes() { return {reinterpret_cast<uint8_t *>(this + 1), static_cast<size_t>(size_)}; }

  // From here on `value` owns them.
  static void hand_out(Ptr owned, cachechain_value &value) {
    value.data = owned->bytes().data();
    value.size = owned->size_;
    value.release = &release;
    value.owner = owned.release();
  }

 private:
  OwnedBytes(Allocator &allocator, uint64_t size) : allocator_(allocator), size_(size) {}
  static void release(void *owner) {
    auto *const self = static_cast<OwnedBytes *>(owner);
    self->allocator_.free(self, sizeof(OwnedBytes) + self->size_, alignof(OwnedBytes));
  }

  Allocator &allocator_;
  const uint64_t size_;
};

}  // namespace cachechain

#endif  // CACHECHAIN_PLUGIN_OWNED_BYTES_H_
