/* Exports something else. */
#include "good.h"

EXPORT int something_else(void) { return good_plugin("no_entry") != NULL; }
