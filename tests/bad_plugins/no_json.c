/* Its numbers are no JSON. */
#include "good.h"

static int32_t stats(void *instance, uint8_t *buf, uint64_t cap, uint64_t *needed) {
  static const char text[] = "hits = 5";
  (void)instance;
  *needed = sizeof text - 1;
  if (cap < *needed) return CACHECHAIN_BUFFER_TOO_SMALL;
  memcpy(buf, text, *needed);
  return CACHECHAIN_OK;
}

ENTRY {
  (void)host;
  good_layer.stats = stats;
  return good_plugin("no_json");
}
