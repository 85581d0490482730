// Cache: the entries of one instance, in shards with a lock each, under one bound for all of them.
//
// What it promises. The bounds hold at every moment: by bytes everything that the pool counts, by entries those that a
// get can find. A put that fits is never refused and never silently dropped: room is made in the key's own shard, then
// in the others, and only memory that callers still look at is out of reach (OVERLOADED). After a put the key has the
// new entry or none, or, if the condition failed, the one that won. A get compares space and whole key.
//
// A get copies under the shard's lock if the value fits the buffer, else it hands out a view; once a tenth of the bound
// is looked at, views are private copies outside the bound. Views stay valid until their release, also behind the
// destructor. All functions but the destructor may be called from any thread; none waits for more than a lock.
//
// Locks: a shard's, or the turn and then one shard's; never two shards'.
#ifndef CACHECHAIN_PLUGINS_MEMORY_CACHE_H_
#define CACHECHAIN_PLUGINS_MEMORY_CACHE_H_

#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>

#include "cachechain/plugin.hpp"
#include "memory/index.h"
#include "memory/lock.h"
#include "memory/pool.h"
#include "memory/queues.h"

namespace cachechain::memory {

struct CacheLimits {
  uint64_t max_bytes = uint64_t{64} << 20;
  uint64_t max_entries = 0;      // 0: no bound
  uint64_t max_value_bytes = 0;  // 0: the largest that always fits
};

class Cache {
 public:
  static constexpr uint64_t kLeastBytes = 64 << 10;

  // The largest value that fits under any key however full the cache is; an eighth of the bound is the index's.
  static uint64_t largest_value(uint64_t max_bytes, uint64_t max_entries);

  // `limits` hold kLeastBytes and largest_value(). NULL if the host has no memory.
  static std::unique_ptr<Cache> create(const cachechain_host &host, const CacheLimits &limits);
  ~Cache();
  Cache(const Cache &) = delete;
  Cache &operator=(const Cache &) = delete;

  // OK, MISS, or NO_MEMORY where not even a private copy could be made.
  int32_t get(const cachechain_key &key, std::span<uint8_t> buffer, cachechain_value &value);
  // The same for many, as views; faster than one after the other where the entries are far from the processor.
  void get_many(std::span<const cachechain_key> keys, std::span<cachechain_value> values, std::span<int32_t> statuses);
  cachechain_put_result put(const cachechain_put &put);
  void erase(const cachechain_key &key);

  // Walk a part of the entries and remove some: those of a space (NULL: all of them), those that expired. They look at
  // the call's deadline now and then, and answer OK or, if there is more to walk, PARTIAL.
  int32_t sweep(const plugin::Call &call, const cachechain_space *space, uint64_t &removed);
  int32_t maintain(const plugin::Call &call);

  // One JSON object.
  std::string stats();

  uint64_t max_value_bytes() const { return max_value_bytes_; }

 private:
  struct Shard;

  Cache(Pool &pool, const CacheLimits &limits) : pool_(pool), max_value_bytes_(limits.max_value_bytes) {}
  static uint32_t shard_count(uint64_t max_bytes, uint64_t max_entries);
  Shard &shard_of(const cachechain_key &key) const;

  int32_t get(const cachechain_key &key, std::span<uint8_t> buffer, cachechain_value &value, Pins &pins);
  int32_t answer(Shard &shard, Entry *entry, std::span<uint8_t> buffer, cachechain_value &value, Pins &pins);
  int32_t view(Shard &shard, Entry &entry, cachechain_value &value, Pins &pins);
  // All of these under the shard's lock. try_put() answers nothing if the shard has no room to the `need` it tells.
  std::optional<cachechain_put_result> try_put(Shard &shard, const cachechain_put &put, Room &room, Room &need);
  bool make_room(Shard &shard, Room &room, const Room &need, const Entry *spare);
  bool evict(Shard &shard, Room &room, const Room &need, const Entry *spare);
  void grow(Shard &shard, Room &room, const Entry *spare);
  void discard(Shard &shard, Entry *entry, Room &room);
  template <class Doomed>
  uint64_t walk(Shard &shard, uint32_t from, uint32_t count, Room &room, Doomed &&doomed);

  // In the turn: takes room from all shards. False if they have no more.
  bool collect(Room &room, const Room &need);

  Pool &pool_;
  const uint64_t max_value_bytes_;
  Shard *shards_ = nullptr;
  uint32_t shard_mask_ = 0;
  Lock turn_;  // of the one put that takes room from shards that are not its own
  uint32_t next_victim_ = 0;
  std::atomic<uint32_t> maintained_{0};  // the shard that maintain() comes to next
};

}  // namespace cachechain::memory

#endif  // CACHECHAIN_PLUGINS_MEMORY_CACHE_H_
