/* Answers get with a status that does not exist. */
#include "good.h"

static int32_t odd_get(void *instance, const cachechain_call *call, const cachechain_key *key, uint8_t *buf,
                       uint64_t cap, cachechain_value *value) {
  (void)good_get(instance, call, key, buf, cap, value);
  return 9999;
}

ENTRY {
  (void)host;
  good_layer.get = odd_get;
  return good_plugin("odd_status");
}
