// Hands out a value, and throws when it is asked again.
#include <cstdio>
#include <stdexcept>

#include "good.h"

namespace {

int asked;
int released;

int32_t get(void *instance, const cachechain_call *call, const cachechain_key *key, uint8_t *buf, uint64_t cap,
            cachechain_value *value) {
  if (++asked == 2) throw std::out_of_range("no such shard");
  value->release = [](void *) { ++released; };
  return good_get(instance, call, key, buf, cap, value);
}

int32_t stats(void *, uint8_t *buf, uint64_t cap, uint64_t *needed) {
  *needed = static_cast<uint64_t>(std::snprintf(reinterpret_cast<char *>(buf), cap, "{\"released\": %d}", released));
  return *needed < cap ? CACHECHAIN_OK : CACHECHAIN_BUFFER_TOO_SMALL;
}

}  // namespace

extern "C" ENTRY {
  (void)host;
  good_layer.get = get;
  good_layer.stats = stats;
  return good_plugin("throws_in_second_get");
}
