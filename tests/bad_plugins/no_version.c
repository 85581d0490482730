/* No version. */
#include "good.h"

ENTRY {
  (void)host;
  good_descriptor.version = NULL;
  return good_plugin("no_version");
}
