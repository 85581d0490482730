/* Nothing is wrong with it. Counts how often its entry function is called, in the description. */
#include "good.h"

static char description[] = "entered 0 times";

ENTRY {
  (void)host;
  ++description[8];
  good_descriptor.description = description;
  return good_plugin("good");
}
