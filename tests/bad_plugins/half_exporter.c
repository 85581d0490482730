/* An exporter that cannot be closed. */
#include "good.h"

static cachechain_exporter_api exporter = {.struct_size = sizeof(cachechain_exporter_api)};

static int32_t exporter_open(const cachechain_host *host, const cachechain_layer_config *config,
                             cachechain_report *report, void **instance) {
  (void)host;
  (void)config;
  (void)report;
  *instance = &exporter;
  return CACHECHAIN_OK;
}

ENTRY {
  (void)host;
  exporter.open = exporter_open;
  good_descriptor.exporter = &exporter;
  return good_plugin("half_exporter");
}
