/* The library that borrowed_entry depends on. */
#include "good.h"

EXPORT int lender_is_there(void) { return 1; }

ENTRY {
  (void)host;
  return good_plugin("lender");
}
