// The entry function of the memory plugin, apart from its insides so that tests can link these beside others.
#include "cachechain/plugin.hpp"

#include "memory/memory_layer.h"

#define CACHECHAIN_TEXT_OF(x) #x
#define CACHECHAIN_DOTTED(a, b, c) CACHECHAIN_TEXT_OF(a) "." CACHECHAIN_TEXT_OF(b) "." CACHECHAIN_TEXT_OF(c)

CACHECHAIN_LAYER_PLUGIN(cachechain::memory::MemoryLayer, "memory",
                        CACHECHAIN_DOTTED(CACHECHAIN_VERSION_MAJOR, CACHECHAIN_VERSION_MINOR, CACHECHAIN_VERSION_PATCH),
                        "Keeps entries in this process, bounded by bytes and by entries")
