/* Answers open with a status that open does not have. */
#include "good.h"

static int32_t open_oddly(const cachechain_host *host, const cachechain_layer_config *config,
                          cachechain_layer_info *info, cachechain_report *report, void **instance) {
  (void)good_open(host, config, info, report, instance);
  return CACHECHAIN_STALE;
}

ENTRY {
  (void)host;
  good_layer.open = open_oddly;
  return good_plugin("odd_open");
}
