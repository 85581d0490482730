// Instance: an opened plugin before anything is wrapped around it. What `open` said was checked: its status, its
// instance, and that its capabilities agree with each other and with the slots of the table.
#ifndef CACHECHAIN_PLUGIN_INSTANCE_H_
#define CACHECHAIN_PLUGIN_INSTANCE_H_

#include <string>

#include "base/status.h"
#include "plugin/host.h"
#include "plugin/layer.h"
#include "plugin/open_layer.h"
#include "plugin/registry.h"

namespace cachechain {

struct Instance {
  Host *host = nullptr;
  cachechain_layer_api api{};
  void *instance = nullptr;
  cachechain_layer_info info{};
  LayerTraits traits;
  std::string place;  // "shop/L2 redis", for messages
  Status degraded;    // DEGRADED with a text, or OK
};

// Failures as open_layer() tells them.
Result<Instance> open_instance(const LoadedPlugin &plugin, const LayerOpening &opening);

// Calls the plugin's close and gives its host back. Once. What close throws becomes PLUGIN_FAULT.
Status close_instance(Instance &instance, const cachechain_call &call);

// True if the core may pass a status on that a slot answered: a failure that a layer can have, or an outcome in the
// list of the slot, which the caller checked before.
bool is_layer_failure(int32_t status);

}  // namespace cachechain

#endif  // CACHECHAIN_PLUGIN_INSTANCE_H_
