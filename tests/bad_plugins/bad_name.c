/* A name that no configuration can say. */
#include "good.h"

ENTRY {
  (void)host;
  return good_plugin("Bad Name!");
}
