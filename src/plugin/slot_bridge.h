// SlotBridge: a table in which get and get_many, put and put_many both work when the plugin has only one of each, made
// of a loop or of a batch of one. Its `instance` is the bridge itself, which must outlive every call.
#ifndef CACHECHAIN_PLUGIN_SLOT_BRIDGE_H_
#define CACHECHAIN_PLUGIN_SLOT_BRIDGE_H_

#include <cstdint>

#include "cachechain/plugin.h"

namespace cachechain {

class SlotBridge {
 public:
  // Which of the four a caller needs.
  static const uint64_t kSingle;
  static const uint64_t kAll;
  // `slots` as LoadedPlugin::layer_slots.
  static bool needed(uint64_t slots, uint64_t wanted) { return (slots & wanted) != wanted; }

  SlotBridge(const cachechain_layer_api &own, uint64_t slots, void *instance);
  SlotBridge(const SlotBridge &) = delete;
  SlotBridge &operator=(const SlotBridge &) = delete;

  const cachechain_layer_api &api() const { return api_; }

 private:
  struct Slots;

  const cachechain_layer_api own_;
  void *const instance_;
  cachechain_layer_api api_{};
};

}  // namespace cachechain

#endif  // CACHECHAIN_PLUGIN_SLOT_BRIDGE_H_
