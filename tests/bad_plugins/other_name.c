/* Not called as its file is. */
#include "good.h"

ENTRY {
  (void)host;
  return good_plugin("quite_other");
}
