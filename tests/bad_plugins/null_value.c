/* Hands out five bytes of nothing, and counts in its stats how often they are released. */
#include <stdio.h>

#include "good.h"

static int released;

static void release(void *owner) { ++*(int *)owner; }

static int32_t null_get(void *instance, const cachechain_call *call, const cachechain_key *key, uint8_t *buf,
                        uint64_t cap, cachechain_value *value) {
  (void)good_get(instance, call, key, buf, cap, value);
  value->data = NULL;
  value->size = 5;
  value->release = release;
  value->owner = &released;
  return CACHECHAIN_OK;
}

static int32_t stats(void *instance, uint8_t *buf, uint64_t cap, uint64_t *needed) {
  (void)instance;
  *needed = (uint64_t)snprintf((char *)buf, cap, "{\"released\": %d}", released);
  return *needed < cap ? CACHECHAIN_OK : CACHECHAIN_BUFFER_TOO_SMALL;
}

ENTRY {
  (void)host;
  good_layer.get = null_get;
  good_layer.stats = stats;
  return good_plugin("null_value");
}
