/* Opens nothing and says OK. */
#include "good.h"

static int32_t open_nothing(const cachechain_host *host, const cachechain_layer_config *config,
                            cachechain_layer_info *info, cachechain_report *report, void **instance) {
  const int32_t status = good_open(host, config, info, report, instance);
  *instance = NULL;
  return status;
}

ENTRY {
  (void)host;
  good_layer.open = open_nothing;
  return good_plugin("null_instance");
}
