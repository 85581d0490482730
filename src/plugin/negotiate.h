// Negotiation: from what an entry function returned to a LoadedPlugin, or a refusal that tells the file, what was
// expected, what was found and what to do. Pure: reads the plugin's tables and keeps no pointer into them but those of
// functions.
#ifndef CACHECHAIN_PLUGIN_NEGOTIATE_H_
#define CACHECHAIN_PLUGIN_NEGOTIATE_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/status.h"
#include "plugin/registry.h"

namespace cachechain {

// The bit of LoadedPlugin::layer_slots for the slot at that offset of the table.
constexpr uint64_t slot_bit(size_t offset) {
  return uint64_t{1} << ((offset - offsetof(cachechain_layer_api, open)) / sizeof(void *));
}
#define CACHECHAIN_SLOT_BIT(slot) slot_bit(offsetof(cachechain_layer_api, slot))

// `wanted` is the name that the configuration calls the plugin by, empty if it named the file.
Result<LoadedPlugin> negotiate(const std::string &file, std::string_view wanted, const cachechain_plugin *descriptor,
                               uint32_t host_minor = CACHECHAIN_ABI_MINOR);

}  // namespace cachechain

#endif  // CACHECHAIN_PLUGIN_NEGOTIATE_H_
