#include "memory/cache.h"

#include <algorithm>
#include <bit>
#include <mutex>
#include <new>

#include "memory/shard.h"

namespace cachechain::memory {

namespace {

// Whatever the machine, so that a configuration means the same everywhere. Below the bounds of 64 shards there are
// fewer, so that the policy of each has something to choose from.
constexpr uint64_t kMostShards = 64;
constexpr uint64_t kLeastShardBytes = 4 << 20;
constexpr uint64_t kLeastShardEntries = 1024;
constexpr uint64_t kIndexShare = 8;
constexpr uint32_t kWalkAtOnce = 64;      // buckets under one hold of a lock
constexpr uint32_t kMaintainAtOnce = 64;  // holds in one maintain()

// One newcomer in so many starts in the main queue. So a loop over more keys than there is room for, where nothing is
// asked for twice while it is held, still finds a part of them.
constexpr uint64_t kNewcomersPerChance = 32;

}  // namespace

uint32_t Cache::shard_count(uint64_t max_bytes, uint64_t max_entries) {
  uint64_t most = std::min(kMostShards, max_bytes / kLeastShardBytes);
  if (max_entries != 0) most = std::min(most, max_entries / kLeastShardEntries);
  return static_cast<uint32_t>(std::bit_floor(std::max<uint64_t>(most, 1)));
}

uint64_t Cache::largest_value(uint64_t max_bytes, uint64_t max_entries) {
  const uint64_t fixed = sizeof(Pool) + shard_count(max_bytes, max_entries) * (sizeof(Shard) + Index::first_bytes());
  const uint64_t around = Entry::bytes_for(CACHECHAIN_MAX_KEY_SIZE, 0, /*token=*/true);
  return std::min<uint64_t>(max_bytes - fixed - max_bytes / kIndexShare - around, UINT32_MAX);
}

std::unique_ptr<Cache> Cache::create(const cachechain_host &host, const CacheLimits &limits) {
  Pool *pool = Pool::create(host, limits.max_bytes, limits.max_entries);
  if (pool == nullptr) return nullptr;
  std::unique_ptr<Cache> cache(new (std::nothrow) Cache(*pool, limits));
  if (cache == nullptr) {
    pool->close();
    return nullptr;
  }
  const uint32_t count = shard_count(limits.max_bytes, limits.max_entries);
  pool->take_bytes(count * sizeof(Shard));
  cache->shards_ = static_cast<Shard *>(pool->alloc(count * sizeof(Shard), alignof(Shard)));
  if (cache->shards_ == nullptr) return nullptr;
  cache->shard_mask_ = count - 1;
  for (uint32_t i = 0; i < count; ++i) new (&cache->shards_[i]) Shard(*pool, limits.max_bytes / kIndexShare / count);
  for (uint32_t i = 0; i < count; ++i) {
    Room room;
    room.cover(*pool, {Index::first_bytes(), 0});
    if (!cache->shards_[i].index.add_segment(room)) return nullptr;
  }
  return cache;
}

Cache::~Cache() {
  if (shards_ != nullptr) {
    for (uint32_t i = 0; i <= shard_mask_; ++i) {
      Shard &shard = shards_[i];
      Room freed;
      walk(shard, 0, shard.index.buckets(), freed, [](const Entry &) { return true; });
      shard.~Shard();
    }
    pool_.free(shards_, (shard_mask_ + 1) * sizeof(Shard), alignof(Shard));
  }
  pool_.close();
}

cachechain_put_result Cache::put(const cachechain_put &put) {
  Shard &shard = shard_of(*put.key);
  Room room;
  Room need;
  {
    std::lock_guard guard(shard.lock);
    const auto result = try_put(shard, put, room, need);
    room.give_back(pool_);
    if (result.has_value()) return *result;
  }
  // The shard alone has too little. One put at a time gathers from all of them, so that no two of them hold the room
  // that either needs. The condition is judged anew each time: what is stored may have changed.
  std::lock_guard turn(turn_);
  for (;;) {
    const bool gathered = collect(room, need);
    std::lock_guard guard(shard.lock);
    auto result = try_put(shard, put, room, need);
    if (!result.has_value()) {
      if (gathered) continue;
      if (Entry *old = shard.index.find(*put.key)) discard(shard, old, room);
      ++shard.overloads;
      result = {CACHECHAIN_OVERLOADED, 0, 0};
    }
    room.give_back(pool_);
    return *result;
  }
}

std::optional<cachechain_put_result> Cache::try_put(Shard &shard, const cachechain_put &put, Room &room, Room &need) {
  Entry *old = shard.index.find(*put.key);
  const cachechain_put_result verdict = plugin::judge(put, old == nullptr ? plugin::Stored{} : old->stored());
  if (verdict.status != CACHECHAIN_OK) return verdict;
  if (put.fence != nullptr && verdict.version < __atomic_load_n(put.fence, __ATOMIC_ACQUIRE)) {
    if (old != nullptr) discard(shard, old, room);
    return cachechain_put_result{CACHECHAIN_FENCED, 0, 0};
  }
  if (put.size > max_value_bytes_) {
    if (old != nullptr) discard(shard, old, room);
    ++shard.too_large;
    return cachechain_put_result{CACHECHAIN_VALUE_TOO_LARGE, 0, 0};
  }

  const uint64_t bytes = Entry::bytes_for(put);
  const bool reusable = old != nullptr && !old->viewed();
  if (reusable && old->bytes() == bytes) {
    shard.expiring -= old->expires_ms != 0;
    old->fill(put, verdict.version);
    shard.expiring += old->expires_ms != 0;
    return verdict;
  }
  need = {bytes - (reusable ? std::min(old->bytes(), bytes) : 0), old == nullptr ? 1u : 0u};
  if (!make_room(shard, room, need, old)) return std::nullopt;

  bool main = false;
  uint8_t hits = 0;
  if (old != nullptr) {
    main = old->main;
    hits = old->hits;
    discard(shard, old, room);
  } else {
    main = shard.index.recall(static_cast<uint32_t>(put.key->hash)) || ++shard.newcomers % kNewcomersPerChance == 0;
  }
  void *memory = pool_.alloc(bytes, Entry::kAlign);
  if (memory == nullptr) {
    ++shard.no_memory;
    return cachechain_put_result{CACHECHAIN_NO_MEMORY, 0, 0};
  }
  room.bytes -= bytes;
  room.entries -= 1;
  Entry *entry = new (memory) Entry(pool_, main, hits);
  entry->fill(put, verdict.version);
  shard.link(entry);
  grow(shard, room, entry);
  return verdict;
}

bool Cache::make_room(Shard &shard, Room &room, const Room &need, const Entry *spare) {
  while (!room.cover(pool_, need)) {
    if (!evict(shard, room, need, spare)) return false;
  }
  return true;
}

bool Cache::evict(Shard &shard, Room &room, const Room &need, const Entry *spare) {
  // To evict what is looked at frees no memory, but it does make room for another entry.
  Entry *victim = shard.queues.victim(spare, /*viewed_too=*/room.bytes >= need.bytes);
  if (victim == nullptr) return false;
  if (!victim->main) shard.index.remember(victim->hash);
  discard(shard, victim, room);
  ++shard.evictions;
  return true;
}

bool Cache::collect(Room &room, const Room &need) {
  for (uint32_t i = 0; i <= shard_mask_; ++i) {
    Shard &shard = shards_[next_victim_++ & shard_mask_];
    std::lock_guard guard(shard.lock);
    if (make_room(shard, room, need, nullptr)) return true;
  }
  return false;
}

void Cache::grow(Shard &shard, Room &room, const Entry *spare) {
  // An entry is worth two buckets; more at a time catch up after growth was refused for a while.
  for (int i = 0; i < 4 && shard.index.full(); ++i) {
    if (const uint64_t bytes = shard.index.segment_bytes(); bytes != 0) {
      const Room need = {bytes, 0};
      if (!(shard.index.crowded() ? make_room(shard, room, need, spare) : room.cover(pool_, need))) return;
      if (!shard.index.add_segment(room)) return;
    }
    shard.index.split();
  }
}

void Cache::erase(const cachechain_key &key) {
  Shard &shard = shard_of(key);
  std::lock_guard guard(shard.lock);
  if (Entry *entry = shard.index.find(key)) {
    Room room;
    discard(shard, entry, room);
    room.give_back(pool_);
  }
}

void Cache::discard(Shard &shard, Entry *entry, Room &room) {
  shard.unlink(entry);
  room.bytes += drop(entry);
  room.entries += 1;
}

template <class Doomed>
uint64_t Cache::walk(Shard &shard, uint32_t from, uint32_t count, Room &room, Doomed &&doomed) {
  uint64_t removed = 0;
  const uint32_t end = std::min(from + count, shard.index.buckets());
  for (uint32_t bucket = from; bucket < end; ++bucket) {
    for (Entry *entry = shard.index.head_of(bucket); entry != nullptr;) {
      Entry *next = entry->chain;
      if (doomed(*entry)) {
        discard(shard, entry, room);
        ++removed;
      }
      entry = next;
    }
  }
  return removed;
}

int32_t Cache::sweep(const plugin::Call &call, const cachechain_space *space, uint64_t &removed) {
  for (uint32_t i = 0; i <= shard_mask_; ++i) {
    Shard &shard = shards_[i];
    for (uint32_t bucket = 0;; bucket += kWalkAtOnce) {
      {
        std::lock_guard guard(shard.lock);
        if (bucket >= shard.index.buckets()) break;
        Room room;
        removed += walk(shard, bucket, kWalkAtOnce, room,
                        [space](const Entry &entry) { return space == nullptr || entry.space == space->id; });
        room.give_back(pool_);
      }
      if (call.left_ns(1) == 0) return CACHECHAIN_PARTIAL;
    }
  }
  return CACHECHAIN_OK;
}

int32_t Cache::maintain(const plugin::Call &call) {
  const int64_t now = call.host().now_unix_ms();
  uint32_t i = maintained_.load(std::memory_order_relaxed);
  for (uint32_t holds = 0; i <= shard_mask_; ++holds) {
    if (holds == kMaintainAtOnce || call.left_ns(1) == 0) {
      maintained_.store(i, std::memory_order_relaxed);
      return CACHECHAIN_PARTIAL;
    }
    Shard &shard = shards_[i];
    std::lock_guard guard(shard.lock);
    if (shard.expiring != 0 && shard.cursor < shard.index.buckets()) {
      Room room;
      shard.expirations += walk(shard, shard.cursor, kWalkAtOnce, room,
                                [now](const Entry &entry) { return entry.expires_ms != 0 && entry.expires_ms < now; });
      room.give_back(pool_);
      shard.cursor += kWalkAtOnce;
    } else {
      shard.cursor = 0;
      ++i;
    }
  }
  maintained_.store(0, std::memory_order_relaxed);
  return CACHECHAIN_OK;
}

std::string Cache::stats() {
  uint64_t index_bytes = 0;
  uint64_t evictions = 0;
  uint64_t expirations = 0;
  uint64_t private_copies = 0;
  uint64_t too_large = 0;
  uint64_t overloads = 0;
  uint64_t no_memory = 0;
  for (uint32_t i = 0; i <= shard_mask_; ++i) {
    Shard &shard = shards_[i];
    std::lock_guard guard(shard.lock);
    index_bytes += shard.index.bytes();
    evictions += shard.evictions;
    expirations += shard.expirations;
    private_copies += shard.private_copies;
    too_large += shard.too_large;
    overloads += shard.overloads;
    no_memory += shard.no_memory;
  }
  std::string text;
  const auto add = [&text](std::string_view name, uint64_t value) {
    text.append(text.empty() ? "{\"" : ", \"").append(name).append("\": ").append(std::to_string(value));
  };
  add("entries", pool_.entries());
  add("max_entries", pool_.max_entries());
  add("bytes", pool_.bytes());
  add("max_bytes", pool_.max_bytes());
  add("max_value_bytes", max_value_bytes_);
  add("index_bytes", index_bytes);
  add("pinned_bytes", pool_.pinned_bytes());
  add("private_copies", private_copies);
  add("shards", shard_mask_ + 1);
  add("evictions", evictions);
  add("expirations", expirations);
  add("too_large", too_large);
  add("overloads", overloads);
  add("no_memory", no_memory);
  return text + "}";
}

}  // namespace cachechain::memory
