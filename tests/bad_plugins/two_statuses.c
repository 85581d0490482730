/* Answers put with one status and writes another. */
#include "good.h"

static int32_t odd_put(void *instance, const cachechain_call *call, const cachechain_put *put,
                       cachechain_put_result *result) {
  (void)good_put(instance, call, put, result);
  return CACHECHAIN_SUPERSEDED;
}

ENTRY {
  (void)host;
  good_layer.put = odd_put;
  return good_plugin("two_statuses");
}
