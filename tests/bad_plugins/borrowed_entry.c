/* Has no entry function of its own, but depends on a library that has one. */
#include "good.h"

extern int lender_is_there(void);

EXPORT int borrowed(void) { return lender_is_there() + (good_plugin("borrowed_entry") != NULL); }
