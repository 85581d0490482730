// Throws a standard exception out of get, and out of put.
#include <stdexcept>

#include "good.h"

static int32_t throwing_get(void *, const cachechain_call *, const cachechain_key *, uint8_t *, uint64_t,
                            cachechain_value *) {
  throw std::out_of_range("no such shard");
}

static int32_t throwing_put(void *, const cachechain_call *, const cachechain_put *, cachechain_put_result *) {
  throw std::runtime_error("disk on fire");
}

extern "C" ENTRY {
  (void)host;
  good_layer.get = throwing_get;
  good_layer.put = throwing_put;
  return good_plugin("throws_in_get");
}
