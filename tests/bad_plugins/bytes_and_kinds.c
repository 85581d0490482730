/* Says that it keeps bytes only, and kinds beside the bytes. */
#include "good.h"

ENTRY {
  (void)host;
  good_caps |= CACHECHAIN_CAP_BYTES;
  return good_plugin("bytes_and_kinds");
}
