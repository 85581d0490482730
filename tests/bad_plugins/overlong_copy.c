/* Says that it copied more than there was room for. */
#include "good.h"

static int32_t long_get(void *instance, const cachechain_call *call, const cachechain_key *key, uint8_t *buf,
                        uint64_t cap, cachechain_value *value) {
  const int32_t status = good_get(instance, call, key, buf, cap, value);
  if (cap != 0) {
    value->data = buf;
    value->size = cap + 1;
  }
  return status;
}

ENTRY {
  (void)host;
  good_layer.get = long_get;
  return good_plugin("overlong_copy");
}
