#include "memory/queues.h"

namespace cachechain::memory {

namespace {

constexpr uint64_t kSmallShare = 10;     // the small queue's part of the bytes, as a divisor
constexpr uint8_t kHitsToStay = 2;       // in the small queue
constexpr int kMostPostponements = 128;  // of eviction in a row; then the oldest goes, however often it was hit

}  // namespace

void Queues::push(Entry *entry) {
  Queue &queue = queue_of(entry);
  entry->newer = nullptr;
  entry->older = queue.newest;
  (queue.newest == nullptr ? queue.oldest : queue.newest->newer) = entry;
  queue.newest = entry;
  queue.bytes += entry->bytes();
}

void Queues::remove(Entry *entry) {
  Queue &queue = queue_of(entry);
  (entry->newer == nullptr ? queue.newest : entry->newer->older) = entry->older;
  (entry->older == nullptr ? queue.oldest : entry->older->newer) = entry->newer;
  queue.bytes -= entry->bytes();
}

Entry *Queues::victim(const Entry *spare, bool viewed_too) {
  for (int i = 0; i < kMostPostponements; ++i) {
    const bool from_small = main_.oldest == nullptr || small_.bytes * kSmallShare > small_.bytes + main_.bytes;
    Entry *entry = from_small ? small_.oldest : main_.oldest;
    if (entry == nullptr) return nullptr;
    const bool kept = entry == spare || entry->viewed();
    if (from_small) {
      if (!kept && entry->hits < kHitsToStay) return entry;
      remove(entry);
      entry->main = true;
      entry->hits = 0;
    } else {
      if (!kept && entry->hits == 0) return entry;
      remove(entry);
      if (!kept) --entry->hits;
    }
    push(entry);
  }
  for (const bool viewed : {false, true}) {
    if (viewed && !viewed_too) break;
    for (Queue *queue : {&small_, &main_}) {
      for (Entry *entry = queue->oldest; entry != nullptr; entry = entry->newer) {
        if (entry != spare && (viewed || !entry->viewed())) return entry;
      }
    }
  }
  return nullptr;
}

}  // namespace cachechain::memory
