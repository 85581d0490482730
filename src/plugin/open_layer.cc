#include "plugin/open_layer.h"

#include "plugin/compress_layer.h"
#include "plugin/envelope_layer.h"
#include "plugin/instance.h"
#include "plugin/plugin_layer.h"
#include "plugin/serial_layer.h"

namespace cachechain {
namespace {

// Why values of this layer cannot be compressed, or NULL. An inline layer is refused and not only warned about: who
// wants compression there wants to hold more in the same memory, and would find out late that he does not.
const char *compression_problem(const LayerTraits &traits) {
  if (traits.can(CACHECHAIN_CAP_PLAIN)) return "it keeps values as they are, in a table of the user's own";
  if (traits.can(CACHECHAIN_CAP_INLINE)) return "it is read in nanoseconds, and each hit would have to decompress";
  return nullptr;
}

}  // namespace

Result<OpenedLayer> open_layer(const LoadedPlugin &plugin, const LayerOpening &opening) {
  Result<Instance> made = open_instance(plugin, opening);
  if (!made.ok()) return made.status();
  OpenedLayer opened;
  opened.degraded = made->degraded;
  const LayerTraits traits = made->traits;
  const char *const no_compression = compression_problem(traits);
  if (no_compression != nullptr && opening.compress.above_bytes != 0) {
    const std::string text = made->place + ": compress_above_bytes is not for this layer: " + no_compression;
    (void)close_instance(made.value(), {sizeof(cachechain_call), 0, 0, 0, nullptr, nullptr, nullptr, nullptr, 0});
    return Status(CACHECHAIN_CONFIG, Status::Detail{text, opening.name, 0, false});
  }
  Clock &clock = opening.clock != nullptr ? *opening.clock : Clock::system();
  Allocator &allocator = opening.allocator != nullptr ? *opening.allocator : Allocator::system();
  auto checked = std::make_unique<PluginLayer>(made.take(), plugin.layer_slots, opening.log);
  if (traits.can(CACHECHAIN_CAP_INLINE)) opened.direct = checked->direct();
  opened.layer = std::move(checked);
  if (!traits.can(CACHECHAIN_CAP_CONCURRENT)) {
    opened.layer = std::make_unique<SerialLayer>(std::move(opened.layer), clock);
  }
  if (traits.can(CACHECHAIN_CAP_BYTES)) {
    opened.layer = std::make_unique<EnvelopeLayer>(std::move(opened.layer), allocator);
  }
  if (no_compression == nullptr) {
    opened.layer = std::make_unique<CompressLayer>(std::move(opened.layer), opening.compress, allocator, clock);
  }
  return opened;
}

}  // namespace cachechain
