/* Does not say what it keeps. */
#include "good.h"

ENTRY {
  (void)host;
  good_caps = CACHECHAIN_CAP_CONCURRENT;
  return good_plugin("no_store");
}
