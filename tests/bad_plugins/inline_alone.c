/* Says that it is inline, but not that it may be called from many threads. */
#include "good.h"

ENTRY {
  (void)host;
  good_caps = CACHECHAIN_CAP_INLINE | CACHECHAIN_CAP_KINDS;
  return good_plugin("inline_alone");
}
