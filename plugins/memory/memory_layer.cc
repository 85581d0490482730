#include "memory/memory_layer.h"

#include "common/options.h"

namespace cachechain::memory {

namespace {

constexpr int64_t kMostBytes = int64_t{1} << 44;
constexpr int64_t kMostEntries = int64_t{1} << 40;

// No bit of must_flags is known yet.
bool understood(const plugin::Call &call) { return call.must_flags() == 0; }

}  // namespace

int32_t MemoryLayer::open(const plugin::Opening &opening, cachechain_layer_info &info,
                          std::unique_ptr<MemoryLayer> &layer) {
  plugin::Options options(opening.options());
  CacheLimits limits;
  limits.max_bytes = static_cast<uint64_t>(
      options.size_bytes("max_bytes", static_cast<int64_t>(limits.max_bytes), int64_t{Cache::kLeastBytes}, kMostBytes));
  limits.max_entries = static_cast<uint64_t>(options.integer("max_entries", 0, 0, kMostEntries));
  const auto largest = static_cast<int64_t>(Cache::largest_value(limits.max_bytes, limits.max_entries));
  limits.max_value_bytes = static_cast<uint64_t>(options.size_bytes("max_value_bytes", largest, 0, largest));
  if (const std::string problems = options.problems(); !problems.empty()) {
    return opening.fail(CACHECHAIN_CONFIG, 0, false, problems);
  }

  std::unique_ptr<Cache> cache = Cache::create(*opening.host().raw(), limits);
  if (cache == nullptr) return opening.fail(CACHECHAIN_NO_MEMORY, 0, true, "no memory for an empty cache");
  info.caps = CACHECHAIN_CAP_INLINE | CACHECHAIN_CAP_CONCURRENT | CACHECHAIN_CAP_DEADLINE | CACHECHAIN_CAP_NEWER |
              CACHECHAIN_CAP_BUMP | CACHECHAIN_CAP_EXACT | CACHECHAIN_CAP_FENCE | CACHECHAIN_CAP_KINDS |
              CACHECHAIN_CAP_SWEEP;
  info.max_key_size = CACHECHAIN_MAX_KEY_SIZE;
  info.max_value_size = cache->max_value_bytes();
  layer.reset(new MemoryLayer(std::move(cache)));
  return CACHECHAIN_OK;
}

int32_t MemoryLayer::get(const plugin::Call &call, const cachechain_key &key, plugin::Buffer buffer,
                         cachechain_value &value) {
  if (!understood(call)) return CACHECHAIN_UNSUPPORTED;
  return cache_->get(key, buffer, value);
}

int32_t MemoryLayer::get_many(const plugin::Call &call, std::span<const cachechain_key> keys,
                              std::span<cachechain_value> values, std::span<int32_t> statuses) {
  if (!understood(call)) return CACHECHAIN_UNSUPPORTED;
  cache_->get_many(keys, values, statuses);
  return CACHECHAIN_OK;
}

int32_t MemoryLayer::put(const plugin::Call &call, const cachechain_put &put, cachechain_put_result &result) {
  if (!understood(call)) return CACHECHAIN_UNSUPPORTED;
  if (put.key->size == 0) return CACHECHAIN_INVALID_ARGUMENT;
  if (put.key->size > CACHECHAIN_MAX_KEY_SIZE) return CACHECHAIN_KEY_TOO_LONG;
  result = cache_->put(put);
  switch (result.status) {
    case CACHECHAIN_VALUE_TOO_LARGE:
      return call.fail(result.status, 0, false,
                       "a value of " + std::to_string(put.size) + " bytes is above max_value_bytes " +
                           std::to_string(cache_->max_value_bytes()));
    case CACHECHAIN_OVERLOADED:
      return call.fail(result.status, 0, true, "no room: what could be evicted is still looked at");
    default:
      return result.status;
  }
}

int32_t MemoryLayer::put_many(const plugin::Call &call, std::span<const cachechain_put> puts,
                              std::span<cachechain_put_result> results) {
  if (!understood(call)) return CACHECHAIN_UNSUPPORTED;
  for (size_t i = 0; i < puts.size(); ++i) results[i].status = put(call, puts[i], results[i]);
  return CACHECHAIN_OK;
}

int32_t MemoryLayer::erase_many(const plugin::Call &call, std::span<const cachechain_key> keys) {
  if (!understood(call)) return CACHECHAIN_UNSUPPORTED;
  for (const cachechain_key &key : keys) cache_->erase(key);
  return CACHECHAIN_OK;
}

int32_t MemoryLayer::ping(const plugin::Call &call) {
  return understood(call) ? int32_t{CACHECHAIN_OK} : int32_t{CACHECHAIN_UNSUPPORTED};
}

int32_t MemoryLayer::sweep(const plugin::Call &call, const cachechain_space *space, uint64_t &removed) {
  if (!understood(call)) return CACHECHAIN_UNSUPPORTED;
  removed = 0;
  return cache_->sweep(call, space, removed);
}

int32_t MemoryLayer::maintain(const plugin::Call &call) {
  return understood(call) ? cache_->maintain(call) : int32_t{CACHECHAIN_UNSUPPORTED};
}

}  // namespace cachechain::memory
