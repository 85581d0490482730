/* Made for ABI 2. */
#include "good.h"

EXPORT const cachechain_plugin *cachechain_plugin_entry_v2(const cachechain_host *host);
EXPORT const cachechain_plugin *cachechain_plugin_entry_v2(const cachechain_host *host) {
  (void)host;
  return good_plugin("other_major");
}
