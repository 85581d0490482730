// Throws out of open.
#include <stdexcept>

#include "good.h"

static int32_t throwing_open(const cachechain_host *, const cachechain_layer_config *, cachechain_layer_info *,
                             cachechain_report *, void **) {
  throw std::logic_error("cannot open");
}

extern "C" ENTRY {
  (void)host;
  good_layer.open = throwing_open;
  return good_plugin("throws_in_open");
}
