/* Answers a batch of one sound view, one of nothing, an odd status and none at all; its puts are sound, odd, sound. The
 * sound views count in the stats how often they are released. */
#include <stdio.h>

#include "good.h"

static int released;

static void release(void *owner) { ++*(int *)owner; }

static int32_t odd_get_many(void *instance, const cachechain_call *call, const cachechain_key *keys, uint64_t count,
                            cachechain_value *values, int32_t *statuses) {
  for (uint64_t i = 0; i < count; ++i) {
    switch (i % 4) {
      case 1:
        values[i].size = 5;
        values[i].release = release;
        values[i].owner = &released;
        statuses[i] = CACHECHAIN_OK;
        break;
      case 2:
        statuses[i] = 9999;
        break;
      case 3:
        break;
      default:
        statuses[i] = good_get(instance, call, &keys[i], NULL, 0, &values[i]);
        values[i].release = release;
        values[i].owner = &released;
        break;
    }
  }
  return CACHECHAIN_PARTIAL;
}

static int32_t odd_put_many(void *instance, const cachechain_call *call, const cachechain_put *puts, uint64_t count,
                            cachechain_put_result *results) {
  for (uint64_t i = 0; i < count; ++i) {
    (void)good_put(instance, call, &puts[i], &results[i]);
    if (i == 1) results[i].version -= 2;
  }
  return CACHECHAIN_OK;
}

static int32_t stats(void *instance, uint8_t *buf, uint64_t cap, uint64_t *needed) {
  (void)instance;
  *needed = (uint64_t)snprintf((char *)buf, cap, "{\"released\": %d}", released);
  return *needed < cap ? CACHECHAIN_OK : CACHECHAIN_BUFFER_TOO_SMALL;
}

ENTRY {
  (void)host;
  good_layer.get_many = odd_get_many;
  good_layer.put_many = odd_put_many;
  good_layer.stats = stats;
  return good_plugin("odd_batch");
}
