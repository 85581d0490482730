/* Calls a function that nobody has. Lazy binding would let it load and die at the first call. */
#include "good.h"

extern int cachechain_nobody_has_this(void);

ENTRY {
  (void)host;
  return cachechain_nobody_has_this() != 0 ? good_plugin("undefined_symbol") : NULL;
}
