// A copy of a value outside the bound, for a caller that wants a view while too much memory is looked at already. It
// carries all that its release needs and depends on nothing else.
#ifndef CACHECHAIN_PLUGINS_MEMORY_PRIVATE_COPY_H_
#define CACHECHAIN_PLUGINS_MEMORY_PRIVATE_COPY_H_

#include <cstdint>
#include <cstring>
#include <new>

#include "cachechain/plugin.h"

namespace cachechain::memory {

struct PrivateCopy {
  cachechain_host host;
  uint64_t size;

  // NULL if the host has no memory.
  static PrivateCopy *create(const cachechain_host &host, const uint8_t *data, uint64_t size) {
    void *memory = host.alloc(&host, sizeof(PrivateCopy) + size, alignof(PrivateCopy));
    if (memory == nullptr) return nullptr;
    PrivateCopy *copy = new (memory) PrivateCopy{host, size};
    std::memcpy(copy->data(), data, size);
    return copy;
  }
  uint8_t *data() { return reinterpret_cast<uint8_t *>(this + 1); }

  // The `release` of a value.
  static void release(void *owner) {
    PrivateCopy *copy = static_cast<PrivateCopy *>(owner);
    const cachechain_host host = copy->host;
    host.free(&host, copy, sizeof(PrivateCopy) + copy->size, alignof(PrivateCopy));
  }
};

}  // namespace cachechain::memory

#endif  // CACHECHAIN_PLUGINS_MEMORY_PRIVATE_COPY_H_
