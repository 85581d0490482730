// Index: the hash table of a shard, chained through the entries, growing by linear hashing: one bucket is split at a
// time and its memory comes in segments of an eighth of the table. So an insertion never needs memory of the index, no
// growth copies the table, and a growth that is refused makes chains longer and nothing worse. It never shrinks.
//
// Beside each eight buckets stand ghosts: the marks of the four entries that were last evicted from there, about as
// many in all as there are entries. A ghost may be wrong (16 bits of hash); it is only ever a hint.
//
// The shard's lock guards it. Only place_of() and what reads such a place may be called without: segments are never
// freed or moved before the end, so a place stays readable, and what stands there is a hint.
#ifndef CACHECHAIN_PLUGINS_MEMORY_INDEX_H_
#define CACHECHAIN_PLUGINS_MEMORY_INDEX_H_

#include <array>
#include <atomic>
#include <bit>
#include <cstdint>

#include "memory/entry.h"
#include "memory/pool.h"

namespace cachechain::memory {

class Index {
 public:
  // At most `most_bytes` go into segments; first_bytes() always do.
  Index(Pool &pool, uint64_t most_bytes) : pool_(pool), most_bytes_(most_bytes) {}
  // Frees the segments. Their bytes stay taken: the pool is about to close.
  ~Index();
  Index(const Index &) = delete;
  Index &operator=(const Index &) = delete;

  // The memory that every index starts with.
  static constexpr uint64_t first_bytes() { return bytes_of(kBias / 8); }
  // Must be called once before all else. `room` must have segment_bytes(). False if the host has no memory.
  bool add_segment(Room &room);
  // The bytes of the segment that the next split needs; 0 if it needs none.
  uint64_t segment_bytes() const;
  // Splits one bucket; segment_bytes() must be 0.
  void split();

  // The first entry of the key's bucket.
  Entry *first(const cachechain_key &key) const { return head(bucket_of(static_cast<uint32_t>(key.hash))); }
  Entry *find(const cachechain_key &key) const {
    for (Entry *entry = first(key); entry != nullptr; entry = entry->chain) {
      if (entry->is(key)) return entry;
    }
    return nullptr;
  }
  // Where the first entry of the key's bucket stands or stood a moment ago; NULL if nothing is known.
  Entry *const *place_of(const cachechain_key &key) const {
    const Segment segment = segment_of(bucket_of(static_cast<uint32_t>(key.hash)));
    Entry *const *heads = segments_[segment.number].load(std::memory_order_acquire);
    return heads == nullptr ? nullptr : heads + segment.offset;
  }
  // To be prefetched, not to be looked at: it may be freed by now.
  static const void *entry_at(Entry *const *place) {
    return std::atomic_ref(const_cast<Entry *&>(*place)).load(std::memory_order_relaxed);
  }

  void insert(Entry *entry);
  void remove(Entry *entry);

  void remember(uint32_t hash);
  // True if the hash was remembered lately; forgets it.
  bool recall(uint32_t hash);

  // Growing is worth while, and is overdue. Both false once the limit is reached. Two buckets for an entry are 9 bytes
  // more than one, and a sixth of a hit's time less: a chain of two is a mispredicted branch.
  bool full() const { return 2 * count_ > buckets() && may_grow(); }
  bool crowded() const { return count_ > buckets() && may_grow(); }

  // For walks: an entry that stays in the table never moves to a lower bucket.
  uint32_t buckets() const { return buckets_.load(std::memory_order_relaxed); }
  Entry *head_of(uint32_t bucket) const { return head(bucket); }

  uint64_t count() const { return count_; }
  uint64_t bytes() const { return bytes_; }

 private:
  // Buckets are numbered from kBias, so that those between two powers of two always make eight equal segments.
  static constexpr uint32_t kBias = 64;
  static constexpr uint32_t kHaunted = 8;  // buckets that share their ghosts
  static constexpr int kFirstLevel = 6;
  static constexpr int kSegments = (32 - kFirstLevel) * 8;
  static constexpr uint32_t kMostBuckets = uint32_t{1} << 31;

  struct Segment {
    uint32_t number;
    uint32_t size;    // in buckets: a multiple of 8
    uint32_t offset;  // of the bucket
  };
  static Segment segment_of(uint32_t bucket) {
    const uint32_t biased = bucket + kBias;
    const int level = std::bit_width(biased) - 1;
    const uint32_t size = uint32_t{1} << (level - 3);
    return {static_cast<uint32_t>(level - kFirstLevel) * 8 + ((biased >> (level - 3)) & 7), size, biased & (size - 1)};
  }
  static constexpr uint64_t bytes_of(uint32_t buckets) {
    return buckets * sizeof(Entry *) + buckets / kHaunted * sizeof(uint64_t);
  }
  uint32_t bucket_of(uint32_t hash) const {
    const uint32_t mask = mask_.load(std::memory_order_relaxed);
    const uint32_t bucket = hash & mask;
    return bucket < buckets() ? bucket : bucket & (mask >> 1);
  }
  void set_buckets(uint32_t buckets) {
    buckets_.store(buckets, std::memory_order_relaxed);
    mask_.store(std::bit_ceil(buckets) - 1, std::memory_order_relaxed);
  }
  Entry **heads_of(const Segment &segment) const { return segments_[segment.number].load(std::memory_order_relaxed); }
  Entry *head(uint32_t bucket) const {
    const Segment segment = segment_of(bucket);
    return heads_of(segment)[segment.offset];
  }
  void set_head(uint32_t bucket, Entry *entry) {
    const Segment segment = segment_of(bucket);
    std::atomic_ref(heads_of(segment)[segment.offset]).store(entry, std::memory_order_relaxed);
  }
  // Four marks, the newest in the lowest bits; 0 is none.
  uint64_t &ghosts(uint32_t bucket) const {
    const Segment segment = segment_of(bucket);
    return reinterpret_cast<uint64_t *>(heads_of(segment) + segment.size)[segment.offset / kHaunted];
  }
  bool may_grow() const { return buckets() < kMostBuckets && bytes_ + segment_bytes() <= most_bytes_; }

  std::atomic<uint32_t> mask_{0};  // of the smallest power of two that holds all buckets
  std::atomic<uint32_t> buckets_{0};
  uint32_t space_ = 0;  // buckets that the segments have memory for
  uint64_t count_ = 0;
  // The heads of the buckets, and behind them their ghosts.
  std::array<std::atomic<Entry **>, kSegments> segments_{};
  uint64_t bytes_ = 0;
  Pool &pool_;
  const uint64_t most_bytes_;
};

}  // namespace cachechain::memory

#endif  // CACHECHAIN_PLUGINS_MEMORY_INDEX_H_
