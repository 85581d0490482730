/* A layer table that ends before its required slots. */
#include "good.h"

ENTRY {
  (void)host;
  good_layer.struct_size = 40;
  return good_plugin("short_layer");
}
