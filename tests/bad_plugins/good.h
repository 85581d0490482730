/* A plugin without a fault, for each bad one to spoil in one place. Keeps one entry of a fixed value.
 *
 *   const cachechain_plugin *cachechain_plugin_entry_v1(const cachechain_host *host) {
 *     good_layer.get = NULL;
 *     return good_plugin("no_get");
 *   }
 */
#ifndef CACHECHAIN_TESTS_BAD_PLUGINS_GOOD_H_
#define CACHECHAIN_TESTS_BAD_PLUGINS_GOOD_H_

#include <string.h>

#include "cachechain/plugin.h"

#define EXPORT __attribute__((visibility("default")))

static uint64_t good_caps =
    CACHECHAIN_CAP_CONCURRENT | CACHECHAIN_CAP_NEWER | CACHECHAIN_CAP_BUMP | CACHECHAIN_CAP_KINDS;
static int good_instance;

static inline int32_t good_open(const cachechain_host *host, const cachechain_layer_config *config,
                                cachechain_layer_info *info, cachechain_report *report, void **instance) {
  (void)host;
  (void)config;
  (void)report;
  info->caps = good_caps;
  *instance = &good_instance;
  return CACHECHAIN_OK;
}

static inline int32_t good_close(void *instance, const cachechain_call *call) {
  (void)instance;
  (void)call;
  return CACHECHAIN_OK;
}

static inline int32_t good_get(void *instance, const cachechain_call *call, const cachechain_key *key, uint8_t *buf,
                               uint64_t cap, cachechain_value *value) {
  static const uint8_t held[] = {'g', 'o', 'o', 'd'};
  (void)instance;
  (void)call;
  (void)key;
  value->data = held;
  value->size = sizeof held;
  value->version = 1;
  if (cap >= sizeof held) {
    memcpy(buf, held, sizeof held);
    value->data = buf;
  }
  return CACHECHAIN_OK;
}

static inline int32_t good_put(void *instance, const cachechain_call *call, const cachechain_put *put,
                               cachechain_put_result *result) {
  (void)instance;
  (void)call;
  result->version = put->version;
  result->status = CACHECHAIN_OK;
  return CACHECHAIN_OK;
}

static cachechain_layer_api good_layer = {
    .struct_size = sizeof(cachechain_layer_api),
    .open = good_open,
    .close = good_close,
    .get = good_get,
    .put = good_put,
};

static cachechain_plugin good_descriptor = {
    .struct_size = sizeof(cachechain_plugin),
    .abi_minor = CACHECHAIN_ABI_MINOR,
    .version = "1.0.0",
    .layer = &good_layer,
};

static inline const cachechain_plugin *good_plugin(const char *name) {
  good_descriptor.name = name;
  return &good_descriptor;
}

#define ENTRY EXPORT const cachechain_plugin *cachechain_plugin_entry_v1(const cachechain_host *host)

#endif /* CACHECHAIN_TESTS_BAD_PLUGINS_GOOD_H_ */
