#include "plugin/open_layer.h"

#include "plugin/envelope_layer.h"
#include "plugin/instance.h"
#include "plugin/plugin_layer.h"
#include "plugin/serial_layer.h"

namespace cachechain {

Result<OpenedLayer> open_layer(const LoadedPlugin &plugin, const LayerOpening &opening) {
  Result<Instance> made = open_instance(plugin, opening);
  if (!made.ok()) return made.status();
  OpenedLayer opened;
  opened.degraded = made->degraded;
  const LayerTraits traits = made->traits;
  auto checked = std::make_unique<PluginLayer>(made.take(), plugin.layer_slots, opening.log);
  if (traits.can(CACHECHAIN_CAP_INLINE)) opened.direct = checked->direct();
  opened.layer = std::move(checked);
  if (!traits.can(CACHECHAIN_CAP_CONCURRENT)) {
    Clock &clock = opening.clock != nullptr ? *opening.clock : Clock::system();
    opened.layer = std::make_unique<SerialLayer>(std::move(opened.layer), clock);
  }
  if (traits.can(CACHECHAIN_CAP_BYTES)) {
    Allocator &allocator = opening.allocator != nullptr ? *opening.allocator : Allocator::system();
    opened.layer = std::make_unique<EnvelopeLayer>(std::move(opened.layer), allocator);
  }
  return opened;
}

}  // namespace cachechain
