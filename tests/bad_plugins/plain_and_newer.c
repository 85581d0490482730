/* Says that it keeps no versions, and that it compares them. */
#include "good.h"

ENTRY {
  (void)host;
  good_caps = CACHECHAIN_CAP_CONCURRENT | CACHECHAIN_CAP_PLAIN | CACHECHAIN_CAP_NEWER | CACHECHAIN_CAP_SWEEP;
  return good_plugin("plain_and_newer");
}
