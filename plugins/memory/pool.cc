#include "memory/pool.h"

#include <algorithm>
#include <cstring>
#include <new>

namespace cachechain::memory {

Pool::Pool(const cachechain_host &host, uint64_t max_bytes, uint64_t max_entries)
    : max_bytes_(max_bytes), max_entries_(max_entries == 0 ? UINT64_MAX : max_entries), bytes_(sizeof(Pool)) {
  std::memcpy(&host_, &host, std::min<size_t>(host.struct_size, sizeof(host_)));
}

Pool *Pool::create(const cachechain_host &host, uint64_t max_bytes, uint64_t max_entries) {
  void *memory = host.alloc(&host, sizeof(Pool), alignof(Pool));
  return memory == nullptr ? nullptr : new (memory) Pool(host, max_bytes, max_entries);
}

bool Pool::pin(uint64_t size) {
  if (pinned_.fetch_add(size, std::memory_order_relaxed) - kOpen + size <= max_bytes_ / 10) return true;
  pinned_.fetch_sub(size, std::memory_order_relaxed);
  return false;
}

void Pool::destroy() {
  const cachechain_host host = host_;
  this->~Pool();
  host.free(&host, this, sizeof(Pool), alignof(Pool));
}

}  // namespace cachechain::memory
