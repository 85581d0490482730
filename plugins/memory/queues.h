// Queues: which entry of a shard goes first. S3-FIFO (Yang et al., SOSP 2023): what is new waits in a small queue of a
// tenth of the bytes and leaves for good unless it was hit twice there; the main queue gives a turn for each hit. The
// cache starts in the main queue what was evicted from the small one and comes back soon (Index::recall), and a few
// newcomers more.
//
// A hit costs a store into the entry and only while its count is below the most. Not thread-safe: the shard's lock
// guards it.
#ifndef CACHECHAIN_PLUGINS_MEMORY_QUEUES_H_
#define CACHECHAIN_PLUGINS_MEMORY_QUEUES_H_

#include <cstdint>

#include "memory/entry.h"

namespace cachechain::memory {

class Queues {
 public:
  // At the newest end of the queue that entry->main says.
  void push(Entry *entry);
  void remove(Entry *entry);

  // The entry to evict, still in its queue. Never `spare`; never one that is looked at, unless `viewed_too`, and then
  // only if there is no other. NULL if there is none.
  Entry *victim(const Entry *spare, bool viewed_too);

 private:
  struct Queue {
    Entry *newest = nullptr;
    Entry *oldest = nullptr;
    uint64_t bytes = 0;
  };
  Queue &queue_of(const Entry *entry) { return entry->main ? main_ : small_; }

  Queue small_;
  Queue main_;
};

}  // namespace cachechain::memory

#endif  // CACHECHAIN_PLUGINS_MEMORY_QUEUES_H_
