/* Needs a core of the future. */
#include "good.h"

ENTRY {
  (void)host;
  good_descriptor.min_host_minor = CACHECHAIN_ABI_MINOR + 7;
  return good_plugin("newer_host");
}
