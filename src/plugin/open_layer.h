// Opens an instance of a loaded plugin as a Layer that keeps every promise of layer.h: the answers are checked, what
// the plugin lacks is made up for (an envelope around a store of bytes, one call at a time for one that is not
// concurrent), values are compressed as the rule says, and one that breaks its contract three times is quarantined: it
// answers PLUGIN_FAULT without being asked.
#ifndef CACHECHAIN_PLUGIN_OPEN_LAYER_H_
#define CACHECHAIN_PLUGIN_OPEN_LAYER_H_

#include <memory>
#include <string>

#include "base/allocator.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/status.h"
#include "plugin/compress_layer.h"
#include "plugin/layer.h"
#include "plugin/registry.h"

namespace cachechain {

struct LayerOpening {
  std::string name;
  std::string chain;
  std::string options = "{}";
  CompressRule compress;
  Clock *clock = nullptr;  // outlives the layer; NULL: the system's
  std::shared_ptr<Logger> log;
  Allocator *allocator = nullptr;  // outlives the layer and every value that it handed out; NULL: the system's
};

// So many breaches of the contract and a layer is not asked again.
inline constexpr uint32_t kFaultLimit = 3;

// The plugin's own table and instance, for the read path that calls leading inline layers without a detour. What it
// answers is unchecked, and it throws what the plugin throws: pass answers through check_value(), and after the first
// that breaks the contract ask the Layer only, which counts them and quarantines.
struct InlineSlots {
  const cachechain_layer_api *api = nullptr;
  void *instance = nullptr;
};

class OpenedLayer {
 public:
  std::unique_ptr<Layer> layer;
  InlineSlots direct;  // empty unless the layer has CAP_INLINE
  Status degraded;     // DEGRADED with a text if the backend could not be reached, else OK
};

// A failure to open carries the layer's name and a message of the form
// `shop/L2 redis: the option "url" is missing`. CONFIG for a rule to compress where that cannot be.
Result<OpenedLayer> open_layer(const LoadedPlugin &plugin, const LayerOpening &opening);

// True if what a get slot answered keeps the contract. `cap` is what it was given: what lies in the buffer begins where
// the buffer begins, and fits.
inline bool check_value(int32_t status, const cachechain_value &value, const uint8_t *buffer, uint64_t cap) {
  if (status != CACHECHAIN_OK) return true;
  if ((value.flags & CACHECHAIN_FLAG_KIND_MASK) > CACHECHAIN_KIND_LEASE) return false;
  if (value.size == 0) return true;
  if (value.data == nullptr) return false;
  const uintptr_t offset = reinterpret_cast<uintptr_t>(value.data) - reinterpret_cast<uintptr_t>(buffer);
  return offset == 0 ? value.size <= cap : offset >= cap;
}

}  // namespace cachechain

#endif  // CACHECHAIN_PLUGIN_OPEN_LAYER_H_
