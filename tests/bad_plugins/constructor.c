/* Leaves a trace as soon as it is mapped. */
#define _POSIX_C_SOURCE 200809L
#include <stdlib.h>

#include "good.h"

static __attribute__((constructor)) void leave_a_trace(void) { setenv("CACHECHAIN_TEST_CONSTRUCTED", "1", 1); }

ENTRY {
  (void)host;
  return good_plugin("constructor");
}
