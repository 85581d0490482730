/* Says that it stored an older version than it was given. */
#include "good.h"

static int32_t old_put(void *instance, const cachechain_call *call, const cachechain_put *put,
                       cachechain_put_result *result) {
  const int32_t status = good_put(instance, call, put, result);
  result->version = put->version - 2;
  return status;
}

ENTRY {
  (void)host;
  good_layer.put = old_put;
  return good_plugin("old_version");
}
