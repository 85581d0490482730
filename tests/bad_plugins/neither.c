/* Neither layer nor exporter. */
#include "good.h"

ENTRY {
  (void)host;
  good_descriptor.layer = NULL;
  return good_plugin("neither");
}
