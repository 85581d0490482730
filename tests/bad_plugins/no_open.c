/* No open. */
#include "good.h"

ENTRY {
  (void)host;
  good_layer.open = NULL;
  return good_plugin("no_open");
}
