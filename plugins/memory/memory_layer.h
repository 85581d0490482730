// MemoryLayer: the cache as a layer plugin. Options: max_bytes (64MiB), max_entries (0: no bound), max_value_bytes.
// Inline and concurrent; keeps every kind; all put conditions and the fence.
#ifndef CACHECHAIN_PLUGINS_MEMORY_MEMORY_LAYER_H_
#define CACHECHAIN_PLUGINS_MEMORY_MEMORY_LAYER_H_

#include <cstdint>
#include <memory>
#include <span>
#include <string>

#include "cachechain/plugin.hpp"
#include "memory/cache.h"

namespace cachechain::memory {

class MemoryLayer {
 public:
  static int32_t open(const plugin::Opening &opening, cachechain_layer_info &info, std::unique_ptr<MemoryLayer> &layer);

  int32_t get(const plugin::Call &call, const cachechain_key &key, plugin::Buffer buffer, cachechain_value &value);
  int32_t get_many(const plugin::Call &call, std::span<const cachechain_key> keys, std::span<cachechain_value> values,
                   std::span<int32_t> statuses);
  int32_t put(const plugin::Call &call, const cachechain_put &put, cachechain_put_result &result);
  int32_t put_many(const plugin::Call &call, std::span<const cachechain_put> puts,
                   std::span<cachechain_put_result> results);
  int32_t erase_many(const plugin::Call &call, std::span<const cachechain_key> keys);
  int32_t ping(const plugin::Call &call);
  int32_t sweep(const plugin::Call &call, const cachechain_space *space, uint64_t &removed);
  int32_t maintain(const plugin::Call &call);
  std::string stats() { return cache_->stats(); }

 private:
  explicit MemoryLayer(std::unique_ptr<Cache> cache) : cache_(std::move(cache)) {}

  const std::unique_ptr<Cache> cache_;
};

}  // namespace cachechain::memory

#endif  // CACHECHAIN_PLUGINS_MEMORY_MEMORY_LAYER_H_
