/* Says that it can notify, and can only listen. */
#include "good.h"

static int32_t listen(void *instance, const cachechain_call *call, cachechain_notice_fn fn, void *context) {
  (void)instance;
  (void)call;
  (void)fn;
  (void)context;
  return CACHECHAIN_OK;
}

ENTRY {
  (void)host;
  good_caps |= CACHECHAIN_CAP_NOTIFY;
  good_layer.watch = listen;
  return good_plugin("watch_without_notify");
}
