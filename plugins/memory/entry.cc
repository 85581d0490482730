#include "memory/entry.h"

namespace cachechain::memory {

void Entry::fill(const cachechain_put &put, uint64_t stored_version) {
  has_token = put.token != 0;
  if (has_token) std::memcpy(body(), &put.token, sizeof(put.token));
  hash = static_cast<uint32_t>(put.key->hash);
  space = put.key->space->id;
  key_size = static_cast<uint16_t>(put.key->size);
  value_size = static_cast<uint32_t>(put.size);
  flags = put.flags;
  version = stored_version;
  created = plugin::created_at(put, stored_version);
  fresh_until_ms = put.fresh_until_ms;
  expires_ms = put.expires_ms;
  std::memcpy(key(), put.key->data, put.key->size);
  if (put.size != 0) std::memcpy(value(), put.data, put.size);
}

uint64_t drop(Entry *entry) {
  if (entry->refs.fetch_sub(Entry::kTable, std::memory_order_acq_rel) != Entry::kTable) return 0;
  const uint64_t bytes = entry->bytes();
  entry->pool->free(entry, bytes, Entry::kAlign);
  return bytes;
}

bool pin(Entry *entry, Pins &pins) {
  if (entry->refs.fetch_add(Entry::kView, std::memory_order_relaxed) != Entry::kTable) return true;
  if (pins.pin(entry->bytes())) return true;
  entry->refs.fetch_sub(Entry::kView, std::memory_order_relaxed);
  return false;
}

void release_view(void *owner) {
  Entry *entry = static_cast<Entry *>(owner);
  // Behind the subtraction neither the entry nor, without a pin of our own, the pool is certain to exist.
  Pool *pool = entry->pool;
  const uint64_t bytes = entry->bytes();
  const uint32_t before = entry->refs.fetch_sub(Entry::kView, std::memory_order_acq_rel);
  if (before >= 2 * Entry::kView) return;
  if (before == Entry::kView) {
    pool->free(entry, bytes, Entry::kAlign);
    pool->give(bytes, 0);
  }
  pool->unpin(bytes);
}

}  // namespace cachechain::memory
