// PluginLayer: a plugin's instance as a Layer that can be trusted. Exceptions stop here; every answer is checked
// against the contract of plugin.h; an answer that breaks it becomes PLUGIN_FAULT with a text of ours, and after
// kFaultLimit of them the layer is quarantined: it answers PLUGIN_FAULT without asking the plugin, until it is closed.
//
// A batch counts as one answer, however many of its items break the contract; only those become PLUGIN_FAULT. A plugin
// without get_many or put_many is asked item by item.
//
// A put that ends in PLUGIN_FAULT may have been stored, like one that ends in UNKNOWN_OUTCOME.
// Thread-safe as far as the plugin is: one without CAP_CONCURRENT needs a SerialLayer around it.
#ifndef CACHECHAIN_PLUGIN_PLUGIN_LAYER_H_
#define CACHECHAIN_PLUGIN_PLUGIN_LAYER_H_

#include <atomic>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "plugin/instance.h"
#include "plugin/layer.h"
#include "plugin/slot_bridge.h"

namespace cachechain {

class PluginLayer final : public Layer {
 public:
  // `slots` as LoadedPlugin::layer_slots.
  PluginLayer(Instance instance, uint64_t slots, std::shared_ptr<Logger> log);
  ~PluginLayer() override;  // closes, if nobody has

  const LayerTraits &traits() const override { return instance_.traits; }
  int32_t get(const cachechain_call &call, const cachechain_key &key, std::span<uint8_t> buffer,
              cachechain_value &value) override;
  int32_t put(const cachechain_call &call, const cachechain_put &put, cachechain_put_result &result) override;
  int32_t get_many(const cachechain_call &call, std::span<const cachechain_key> keys,
                   std::span<cachechain_value> values, std::span<int32_t> statuses) override;
  int32_t put_many(const cachechain_call &call, std::span<const cachechain_put> puts,
                   std::span<cachechain_put_result> results) override;
  int32_t erase_many(const cachechain_call &call, std::span<const cachechain_key> keys) override;
  int32_t ping(const cachechain_call &call) override;
  int32_t maintain(const cachechain_call &call) override;
  int32_t sweep(const cachechain_call &call) override;
  std::string stats() override;
  void thread_exit(uintptr_t word) override;
  Status close(const cachechain_call &call) override;

  // Lives as long as the layer; not to be used after close().
  InlineSlots direct() { return {&api(), handle()}; }

 private:
  const cachechain_layer_api &api() const { return bridge_ == nullptr ? instance_.api : bridge_->api(); }
  void *handle() { return bridge_ == nullptr ? instance_.instance : bridge_.get(); }
  bool quarantined(const cachechain_call &call) const;
  // OK, or why the plugin is not asked.
  int32_t refusal_of(const cachechain_key &key) const;
  int32_t refusal_of(const cachechain_put &put) const;
  template <class Item, class Answer, class Ask>
  int32_t in_runs(const cachechain_call &call, std::span<const Item> items, std::span<Answer> answers, Ask &&ask);
  int32_t get_run(const cachechain_call &call, std::span<const cachechain_key> keys, std::span<cachechain_value> values,
                  std::span<int32_t> statuses);
  int32_t put_run(const cachechain_call &call, std::span<const cachechain_put> puts,
                  std::span<cachechain_put_result> results);
  int32_t fault(const cachechain_call *call, const char *slot, std::string_view what);
  // Runs a slot that answers a status and nothing else.
  template <class Body>
  int32_t run(const cachechain_call &call, const char *slot, bool may_be_partial, bool may_be_unknown, Body &&body);

  Instance instance_;
  std::unique_ptr<SlotBridge> bridge_;
  const bool plain_;
  const bool own_get_many_;
  const bool own_put_many_;
  const std::shared_ptr<Logger> log_;
  std::atomic<uint32_t> faults_{0};
  bool closed_ = false;
};

}  // namespace cachechain

#endif  // CACHECHAIN_PLUGIN_PLUGIN_LAYER_H_
