// Shard: a part of a cache's entries behind a lock of its own. Its lock guards all of it.
#ifndef CACHECHAIN_PLUGINS_MEMORY_SHARD_H_
#define CACHECHAIN_PLUGINS_MEMORY_SHARD_H_

#include <cstdint>

#include "memory/cache.h"
#include "memory/index.h"
#include "memory/lock.h"
#include "memory/queues.h"

namespace cachechain::memory {

struct alignas(Pool::kAlign) Cache::Shard {
  Shard(Pool &pool, uint64_t most_index_bytes) : index(pool, most_index_bytes) {}

  void link(Entry *entry) {
    index.insert(entry);
    queues.push(entry);
    expiring += entry->expires_ms != 0;
  }
  void unlink(Entry *entry) {
    index.remove(entry);
    queues.remove(entry);
    expiring -= entry->expires_ms != 0;
  }

  Lock lock;
  Index index;
  Queues queues;
  uint64_t expiring = 0;  // entries that have a time to expire
  uint32_t cursor = 0;    // the bucket that maintain() comes to next
  uint64_t newcomers = 0;
  uint64_t evictions = 0;
  uint64_t expirations = 0;
  uint64_t private_copies = 0;
  uint64_t too_large = 0;
  uint64_t overloads = 0;
  uint64_t no_memory = 0;
};

// The index uses the low half of the hash.
inline Cache::Shard &Cache::shard_of(const cachechain_key &key) const {
  return shards_[static_cast<uint32_t>(key.hash >> 40) & shard_mask_];
}

}  // namespace cachechain::memory

#endif  // CACHECHAIN_PLUGINS_MEMORY_SHARD_H_
