// Pool: the memory of one instance, its bounds, and what outlives the instance.
//
// Nothing is allocated before its bytes were taken from the bound, and nothing is given back before it was freed, so
// the bound holds at every moment. Counted is every byte that is asked of the host, but for the private copies of
// private_copy.h.
//
// An entry that a caller still looks at stays allocated after it was evicted and after the instance was closed. The
// pool therefore lives until close() was called and the last pin is gone, and keeps its own copy of the host table,
// whose `alloc` and `free` must stay callable. All functions may be called from any thread.
#ifndef CACHECHAIN_PLUGINS_MEMORY_POOL_H_
#define CACHECHAIN_PLUGINS_MEMORY_POOL_H_

#include <algorithm>
#include <atomic>
#include <cstdint>

#include "cachechain/plugin.h"

namespace cachechain::memory {

class Pool {
 public:
  static constexpr uint64_t kAlign = 64;  // of what is not an entry

  // NULL if the host has no memory. max_entries 0: no bound.
  static Pool *create(const cachechain_host &host, uint64_t max_bytes, uint64_t max_entries);
  // Ends the instance's own hold. After it only free(), give() and unpin() may be called, for what is still pinned.
  void close() { unpin(kOpen); }

  Pool(const Pool &) = delete;
  Pool &operator=(const Pool &) = delete;

  // All or nothing.
  bool take_bytes(uint64_t count) { return take(bytes_, count, max_bytes_); }
  bool take_entries(uint64_t count) { return take(entries_, count, max_entries_); }
  void give(uint64_t bytes, uint64_t entries) {
    if (bytes != 0) bytes_.fetch_sub(bytes, std::memory_order_relaxed);
    if (entries != 0) entries_.fetch_sub(entries, std::memory_order_relaxed);
  }

  // Memory whose bytes were taken. NULL if the host has none.
  void *alloc(uint64_t size, uint64_t align) { return host_.alloc(&host_, size, align); }
  void free(void *memory, uint64_t size, uint64_t align) { host_.free(&host_, memory, size, align); }

  // Notes that an entry of that size is looked at. False, and nothing noted, once that passes a tenth of the bound.
  bool pin(uint64_t size);
  // The last thing that its caller may do with the pool.
  void unpin(uint64_t size) {
    if (pinned_.fetch_sub(size, std::memory_order_acq_rel) == size) destroy();
  }

  const cachechain_host &host() const { return host_; }
  uint64_t max_bytes() const { return max_bytes_; }
  uint64_t max_entries() const { return max_entries_ == UINT64_MAX ? 0 : max_entries_; }
  uint64_t bytes() const { return bytes_.load(std::memory_order_relaxed); }
  uint64_t entries() const { return entries_.load(std::memory_order_relaxed); }
  uint64_t pinned_bytes() const { return pinned_.load(std::memory_order_relaxed) - kOpen; }

 private:
  // What the open instance itself adds to pinned_: it is zero exactly when nobody needs the pool any more.
  static constexpr uint64_t kOpen = uint64_t{1} << 62;

  Pool(const cachechain_host &host, uint64_t max_bytes, uint64_t max_entries);
  void destroy();

  static bool take(std::atomic<uint64_t> &used, uint64_t count, uint64_t most) {
    uint64_t now = used.load(std::memory_order_relaxed);
    do {
      if (count > most || now > most - count) return false;
    } while (!used.compare_exchange_weak(now, now + count, std::memory_order_relaxed));
    return true;
  }

  cachechain_host host_{};
  const uint64_t max_bytes_;
  const uint64_t max_entries_;
  alignas(64) std::atomic<uint64_t> bytes_;
  std::atomic<uint64_t> entries_{0};
  alignas(64) std::atomic<uint64_t> pinned_{kOpen};
};

// Pins for some views that are handed out together. They are noted a few at a time, because all threads write to where
// they are noted; what was not needed is given back at the end, before which the pool must not close.
class Pins {
 public:
  Pins(Pool &pool, uint64_t views) : pool_(pool), views_(views) {}
  ~Pins() {
    if (held_ != 0) pool_.unpin(held_);
  }
  Pins(const Pins &) = delete;
  Pins &operator=(const Pins &) = delete;

  // As Pool::pin.
  bool pin(uint64_t size) {
    const uint64_t together = std::clamp<uint64_t>(views_--, 1, kTogether);
    if (held_ < size) {
      const uint64_t many = size * together;
      if (together != 1 && pool_.pin(many)) {
        held_ += many;
      } else if (pool_.pin(size)) {
        held_ += size;
      } else {
        return false;
      }
    }
    held_ -= size;
    return true;
  }

 private:
  static constexpr uint64_t kTogether = 16;

  Pool &pool_;
  uint64_t views_;  // how many are still expected
  uint64_t held_ = 0;
};

// What was taken from the bounds, or from victims, and is not in use yet. Held only under a shard's lock or in the
// cache's turn, so that whoever searches for room there sees all that there is.
struct Room {
  uint64_t bytes = 0;
  uint64_t entries = 0;

  // Takes from the pool what is missing to `need`. False if the pool has less; whatever could be had is kept.
  bool cover(Pool &pool, const Room &need) {
    if (bytes < need.bytes && pool.take_bytes(need.bytes - bytes)) bytes = need.bytes;
    if (entries < need.entries && pool.take_entries(need.entries - entries)) entries = need.entries;
    return bytes >= need.bytes && entries >= need.entries;
  }
  void give_back(Pool &pool) {
    pool.give(bytes, entries);
    *this = {};
  }
};

}  // namespace cachechain::memory

#endif  // CACHECHAIN_PLUGINS_MEMORY_POOL_H_
