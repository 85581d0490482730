/* Neither get nor get_many. */
#include "good.h"

ENTRY {
  (void)host;
  good_layer.get = NULL;
  return good_plugin("no_get");
}
