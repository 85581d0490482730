// Entry: one stored key with its value in one allocation: this header, the lease token if there is one, the key, the
// value. The shard that holds it guards everything but `refs`.
//
// `refs` counts owners: the table (the lowest bit) and every view that was handed out (two each). Whoever takes it to
// zero frees the entry. Views are added under the shard's lock only, so an entry that is seen there without views gets
// none behind the observer's back; they end at any time, without a lock.
#ifndef CACHECHAIN_PLUGINS_MEMORY_ENTRY_H_
#define CACHECHAIN_PLUGINS_MEMORY_ENTRY_H_

#include <atomic>
#include <cstdint>
#include <cstring>

#include "cachechain/plugin.hpp"
#include "memory/pool.h"

namespace cachechain::memory {

struct Entry {
  static constexpr uint64_t kAlign = 8;
  static constexpr uint32_t kTable = 1;
  static constexpr uint32_t kView = 2;
  static constexpr uint8_t kMostHits = 3;

  // Held by the table, and empty until fill().
  Entry(Pool &memory, bool in_main, uint8_t hits_so_far)
      : pool(&memory), key_size(0), has_token(0), hits(hits_so_far), main(in_main), refs(kTable) {}

  // For what happens less often than a lookup.
  Entry *newer;
  Entry *older;
  Pool *pool;
  // For every lookup, beside the key.
  Entry *chain;   // the next in the bucket
  uint32_t hash;  // the low half of the key's hash
  uint32_t space;
  uint16_t key_size : 15;  // constant, like the sizes below, while anybody looks: a release reads them without a lock
  uint16_t has_token : 1;
  uint8_t hits;  // since it was stored or since the policy last looked, up to kMostHits
  bool main;     // in the main queue
  uint32_t value_size;
  uint32_t flags;
  std::atomic<uint32_t> refs;
  uint64_t version;
  uint64_t created;
  int64_t fresh_until_ms;
  int64_t expires_ms;

  static uint64_t bytes_for(uint64_t key_size, uint64_t value_size, bool token) {
    return sizeof(Entry) + (token ? sizeof(uint64_t) : 0) + key_size + value_size;
  }
  static uint64_t bytes_for(const cachechain_put &put) { return bytes_for(put.key->size, put.size, put.token != 0); }
  uint64_t bytes() const { return bytes_for(key_size, value_size, has_token); }

  const uint8_t *body() const { return reinterpret_cast<const uint8_t *>(this + 1); }
  uint8_t *body() { return reinterpret_cast<uint8_t *>(this + 1); }
  const uint8_t *key() const { return body() + (has_token ? sizeof(uint64_t) : 0); }
  uint8_t *key() { return body() + (has_token ? sizeof(uint64_t) : 0); }
  const uint8_t *value() const { return key() + key_size; }
  uint8_t *value() { return key() + key_size; }
  uint64_t token() const {
    uint64_t token = 0;
    if (has_token) std::memcpy(&token, body(), sizeof(token));
    return token;
  }

  bool is(const cachechain_key &wanted) const {
    return hash == static_cast<uint32_t>(wanted.hash) && key_size == wanted.size && space == wanted.space->id &&
           std::memcmp(key(), wanted.data, key_size) == 0;
  }
  plugin::Stored stored() const { return {version, created, token()}; }
  bool viewed() const { return refs.load(std::memory_order_acquire) >= kView; }

  // Writes everything that a put says. The memory has bytes_for(put) and is either new or nobody looks at it.
  void fill(const cachechain_put &put, uint64_t stored_version);
};

static_assert(sizeof(Entry) == 88, "an entry's overhead is part of what a user pays for each key");

// Takes the table's reference away. Answers the bytes that were freed and are still counted as taken, 0 if views keep
// the entry alive.
uint64_t drop(Entry *entry);

// Hands out a view of the entry, under its shard's lock. False if too much is looked at already.
bool pin(Entry *entry, Pins &pins);
// The `release` of such a view.
void release_view(void *entry);

}  // namespace cachechain::memory

#endif  // CACHECHAIN_PLUGINS_MEMORY_ENTRY_H_
