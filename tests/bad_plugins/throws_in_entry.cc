// Throws out of its entry function.
#include <stdexcept>

#include "good.h"

extern "C" ENTRY {
  (void)host;
  if (good_plugin("throws_in_entry") != nullptr) throw std::runtime_error("no licence");
  return nullptr;
}
