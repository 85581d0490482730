// Throws what is no standard exception, of a type that only it knows.
#include "good.h"

namespace {
struct Surprise {
  int depth;
};
}  // namespace

static int32_t throwing_get(void *, const cachechain_call *, const cachechain_key *, uint8_t *, uint64_t,
                            cachechain_value *) {
  throw Surprise{7};
}

extern "C" ENTRY {
  (void)host;
  good_layer.get = throwing_get;
  return good_plugin("throws_foreign");
}
