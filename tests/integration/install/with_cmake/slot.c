/* The least that a plugin can be: it remembers one entry at a time. */
#include <cachechain/plugin.h>
#include <stdlib.h>
#include <string.h>

typedef struct slot {
  char key[CACHECHAIN_MAX_KEY_SIZE];
  uint64_t key_size;
  uint32_t space;
  uint8_t data[4096];
  uint64_t size;
} slot;

static int32_t slot_open(const cachechain_host *host, const cachechain_layer_config *config,
                         cachechain_layer_info *info, cachechain_report *report, void **instance) {
  if (config->options_size != 2) {
    host->report(host, report, 0, 0, "takes no options", 16);
    return CACHECHAIN_CONFIG;
  }
  *instance = calloc(1, sizeof(slot));
  info->caps = CACHECHAIN_CAP_BYTES;
  info->max_value_size = sizeof(((slot *)0)->data);
  return *instance == NULL ? CACHECHAIN_NO_MEMORY : CACHECHAIN_OK;
}

static int32_t slot_close(void *instance, const cachechain_call *call) {
  (void)call;
  free(instance);
  return CACHECHAIN_OK;
}

static int32_t slot_get(void *instance, const cachechain_call *call, const cachechain_key *key, uint8_t *buf,
                        uint64_t cap, cachechain_value *value) {
  const slot *self = instance;
  if (call->must_flags != 0) return CACHECHAIN_UNSUPPORTED;
  if (self->key_size != key->size || self->space != key->space->id || memcmp(self->key, key->data, key->size) != 0) {
    return CACHECHAIN_MISS;
  }
  uint8_t *data = self->size <= cap ? buf : malloc(self->size);
  if (self->size > cap) {
    if (data == NULL) return CACHECHAIN_NO_MEMORY;
    value->release = free;
    value->owner = data;
  }
  memcpy(data, self->data, self->size);
  value->data = data;
  value->size = self->size;
  return CACHECHAIN_OK;
}

static int32_t slot_put(void *instance, const cachechain_call *call, const cachechain_put *put,
                        cachechain_put_result *result) {
  slot *self = instance;
  if (call->must_flags != 0) return result->status = CACHECHAIN_UNSUPPORTED;
  if (put->size > sizeof self->data) return result->status = CACHECHAIN_VALUE_TOO_LARGE;
  memcpy(self->key, put->key->data, put->key->size);
  self->key_size = put->key->size;
  self->space = put->key->space->id;
  if (put->size > 0) memcpy(self->data, put->data, put->size);
  self->size = put->size;
  result->version = put->version;
  return result->status = CACHECHAIN_OK;
}

const cachechain_plugin *cachechain_plugin_entry_v1(const cachechain_host *host) {
  static const cachechain_layer_api layer = {
      .struct_size = sizeof layer, .open = slot_open, .close = slot_close, .get = slot_get, .put = slot_put};
  static const cachechain_plugin plugin = {.struct_size = sizeof plugin,
                                           .abi_minor = CACHECHAIN_ABI_MINOR,
                                           .name = "slot",
                                           .version = "1.0",
                                           .layer = &layer};
  (void)host;
  return &plugin;
}
