// How a cache answers: one key, or many whose memory is on its way while others are answered.
#include <algorithm>
#include <array>
#include <mutex>

#include "memory/private_copy.h"
#include "memory/shard.h"

namespace cachechain::memory {

namespace {

const uint8_t kNoBytes[1] = {0};

// So many keys of a batch are between two of its steps: their lines come while others are worked on.
constexpr size_t kAhead = 8;

// An entry's head, a short key, and what the caller will look at first: the beginning of the value. Inlined whatever
// the compiler thinks, because it takes a function that only prefetches for one without effect, and calls to it away.
[[gnu::always_inline]] inline void fetch_entry(const void *entry) {
  if (entry == nullptr) return;
  const auto *bytes = static_cast<const uint8_t *>(entry);
  __builtin_prefetch(bytes);
  __builtin_prefetch(bytes + 64);
  __builtin_prefetch(bytes + 128);
  __builtin_prefetch(bytes + 192);
}

}  // namespace

int32_t Cache::get(const cachechain_key &key, std::span<uint8_t> buffer, cachechain_value &value) {
  Pins pins(pool_, 1);
  return get(key, buffer, value, pins);
}

// Each key goes through four steps, kAhead keys apart: its bucket is fetched; the entry that the bucket begins with is
// fetched; the key is answered, or, where that is another key's entry, the next one is fetched and the key is answered
// a step later. What is fetched without the lock is a hint: whatever became of it, nothing is looked at but under it.
void Cache::get_many(std::span<const cachechain_key> keys, std::span<cachechain_value> values,
                     std::span<int32_t> statuses) {
  constexpr size_t kNone = SIZE_MAX;
  Pins pins(pool_, keys.size());
  std::array<Entry *const *, kAhead> places{};
  std::array<size_t, kAhead> collided;
  collided.fill(kNone);
  for (size_t step = 0; step < keys.size() + 3 * kAhead; ++step) {
    Entry *const *&place = places[step % kAhead];
    if (place != nullptr) fetch_entry(Index::entry_at(place));
    place = nullptr;
    if (step < keys.size()) {
      place = shard_of(keys[step]).index.place_of(keys[step]);
      __builtin_prefetch(place);
    }

    size_t &late = collided[step % kAhead];
    if (late != kNone) statuses[late] = get(keys[late], {}, values[late], pins);
    late = kNone;
    const size_t now = step - 2 * kAhead;
    if (step < 2 * kAhead || now >= keys.size()) continue;
    Shard &shard = shard_of(keys[now]);
    std::lock_guard guard(shard.lock);
    Entry *entry = shard.index.first(keys[now]);
    if (entry != nullptr && !entry->is(keys[now])) {
      Entry *next = entry->chain;
      if (next != nullptr) {
        fetch_entry(next);
        late = now;
        continue;
      }
      entry = nullptr;
    }
    statuses[now] = answer(shard, entry, {}, values[now], pins);
  }
}

int32_t Cache::get(const cachechain_key &key, std::span<uint8_t> buffer, cachechain_value &value, Pins &pins) {
  Shard &shard = shard_of(key);
  std::lock_guard guard(shard.lock);
  return answer(shard, shard.index.find(key), buffer, value, pins);
}

int32_t Cache::answer(Shard &shard, Entry *entry, std::span<uint8_t> buffer, cachechain_value &value, Pins &pins) {
  if (entry == nullptr) return CACHECHAIN_MISS;
  if (entry->hits < Entry::kMostHits) ++entry->hits;
  if (entry->value_size > buffer.size()) {
    if (const int32_t status = view(shard, *entry, value, pins); status != CACHECHAIN_OK) return status;
  } else if (entry->value_size != 0) {
    std::memcpy(buffer.data(), entry->value(), entry->value_size);
    value.data = buffer.data();
  } else {
    value.data = kNoBytes;
  }
  value.size = entry->value_size;
  value.version = entry->version;
  value.created = entry->created;
  value.fresh_until_ms = entry->fresh_until_ms;
  value.expires_ms = entry->expires_ms;
  value.flags = entry->flags;
  return CACHECHAIN_OK;
}

int32_t Cache::view(Shard &shard, Entry &entry, cachechain_value &value, Pins &pins) {
  if (pin(&entry, pins)) {
    value.data = entry.value();
    value.release = &release_view;
    value.owner = &entry;
    return CACHECHAIN_OK;
  }
  PrivateCopy *copy = PrivateCopy::create(pool_.host(), entry.value(), entry.value_size);
  if (copy == nullptr) return CACHECHAIN_NO_MEMORY;
  ++shard.private_copies;
  value.data = copy->data();
  value.release = &PrivateCopy::release;
  value.owner = copy;
  return CACHECHAIN_OK;
}

}  // namespace cachechain::memory
