/* Answers batches with a status that no batch may have; the items are sound. */
#include "good.h"

static int32_t odd_get_many(void *instance, const cachechain_call *call, const cachechain_key *keys, uint64_t count,
                            cachechain_value *values, int32_t *statuses) {
  for (uint64_t i = 0; i < count; ++i) statuses[i] = good_get(instance, call, &keys[i], NULL, 0, &values[i]);
  return CACHECHAIN_MISS;
}

static int32_t odd_put_many(void *instance, const cachechain_call *call, const cachechain_put *puts, uint64_t count,
                            cachechain_put_result *results) {
  for (uint64_t i = 0; i < count; ++i) (void)good_put(instance, call, &puts[i], &results[i]);
  return CACHECHAIN_UNKNOWN_OUTCOME;
}

ENTRY {
  (void)host;
  good_layer.get_many = odd_get_many;
  good_layer.put_many = odd_put_many;
  return good_plugin("odd_whole");
}
