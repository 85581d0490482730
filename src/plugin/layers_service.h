// "cachechain.layers/1" of plugin.h: one layer, opened through the checked loader, as a bare table and instance. Tests
// of plugins get it from cachechain_service(), a plugin that wraps another one gets it from its host. Thread-safe.
#ifndef CACHECHAIN_PLUGIN_LAYERS_SERVICE_H_
#define CACHECHAIN_PLUGIN_LAYERS_SERVICE_H_

#include <string_view>

#include "cachechain/plugin.h"

namespace cachechain {

class Host;

// The service of a host: what it opens shares the host's log, clock and allocator. NULL gives that of the process:
// standard error, the system's clock and heap.
cachechain_layers_service layers_service(const Host *host);

// What cachechain_service() answers: a static table, NULL for a name that this core does not have.
const void *core_service(std::string_view name);

}  // namespace cachechain

#endif  // CACHECHAIN_PLUGIN_LAYERS_SERVICE_H_
