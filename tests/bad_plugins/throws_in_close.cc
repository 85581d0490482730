// Throws out of close.
#include <stdexcept>

#include "good.h"

static int32_t throwing_close(void *, const cachechain_call *) { throw std::runtime_error("will not close"); }

extern "C" ENTRY {
  (void)host;
  good_layer.close = throwing_close;
  return good_plugin("throws_in_close");
}
