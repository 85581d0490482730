/* A descriptor with memory for a size. */
#include "good.h"

ENTRY {
  (void)host;
  good_descriptor.struct_size = 0xa5a5a5a8;
  return good_plugin("size_huge");
}
