// Throws in the middle of a batch, after it handed out the first value.
#include <cstdio>
#include <stdexcept>

#include "good.h"

namespace {

int released;

int32_t get_many(void *instance, const cachechain_call *call, const cachechain_key *keys, uint64_t,
                 cachechain_value *values, int32_t *statuses) {
  statuses[0] = good_get(instance, call, &keys[0], nullptr, 0, &values[0]);
  values[0].release = [](void *) { ++released; };
  throw std::out_of_range("no such shard");
}

int32_t put_many(void *, const cachechain_call *, const cachechain_put *, uint64_t, cachechain_put_result *) {
  throw std::runtime_error("disk on fire");
}

int32_t stats(void *, uint8_t *buf, uint64_t cap, uint64_t *needed) {
  *needed = static_cast<uint64_t>(std::snprintf(reinterpret_cast<char *>(buf), cap, "{\"released\": %d}", released));
  return *needed < cap ? CACHECHAIN_OK : CACHECHAIN_BUFFER_TOO_SMALL;
}

}  // namespace

extern "C" ENTRY {
  (void)host;
  good_layer.get_many = get_many;
  good_layer.put_many = put_many;
  good_layer.stats = stats;
  return good_plugin("throws_in_get_many");
}
