/* Neither put nor put_many. */
#include "good.h"

ENTRY {
  (void)host;
  good_layer.put = NULL;
  return good_plugin("no_put");
}
