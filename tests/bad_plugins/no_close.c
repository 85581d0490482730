/* No close. */
#include "good.h"

ENTRY {
  (void)host;
  good_layer.close = NULL;
  return good_plugin("no_close");
}
