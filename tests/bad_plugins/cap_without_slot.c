/* Says that it can sweep, and has no sweep. */
#include "good.h"

ENTRY {
  (void)host;
  good_caps |= CACHECHAIN_CAP_SWEEP;
  return good_plugin("cap_without_slot");
}
