/* A descriptor that nobody gave a size. */
#include "good.h"

ENTRY {
  (void)host;
  good_descriptor.struct_size = 0;
  return good_plugin("size_zero");
}
