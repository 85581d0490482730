/* A descriptor that ends within a field. */
#include "good.h"

ENTRY {
  (void)host;
  good_descriptor.struct_size = sizeof good_descriptor + 3;
  return good_plugin("size_odd");
}
