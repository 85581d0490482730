// EnvelopeLayer: a store of bytes (CAP_BYTES) as a layer that keeps kinds, versions and times. What is stored is the
// entry in the envelope of entry/envelope.h; what comes back and is no entry of this key is a MISS, counted by reason
// and shown in stats(). Conditions that the plugin lacks are not made up for. Thread-safe as far as the inner layer is.
#ifndef CACHECHAIN_PLUGIN_ENVELOPE_LAYER_H_
#define CACHECHAIN_PLUGIN_ENVELOPE_LAYER_H_

#include <array>
#include <atomic>
#include <memory>
#include <span>
#include <string>

#include "base/allocator.h"
#include "entry/envelope.h"
#include "plugin/layer.h"

namespace cachechain {

class EnvelopeLayer final : public Layer {
 public:
  // `allocator` gives the memory of views that the plugin did not make; it outlives every value.
  EnvelopeLayer(std::unique_ptr<Layer> inner, Allocator &allocator);

  const LayerTraits &traits() const override { return traits_; }
  int32_t get(const cachechain_call &call, const cachechain_key &key, std::span<uint8_t> buffer,
              cachechain_value &value) override;
  int32_t put(const cachechain_call &call, const cachechain_put &put, cachechain_put_result &result) override;
  int32_t get_many(const cachechain_call &call, std::span<const cachechain_key> keys,
                   std::span<cachechain_value> values, std::span<int32_t> statuses) override;
  int32_t put_many(const cachechain_call &call, std::span<const cachechain_put> puts,
                   std::span<cachechain_put_result> results) override;
  int32_t erase_many(const cachechain_call &call, std::span<const cachechain_key> keys) override {
    return inner_->erase_many(call, keys);
  }
  int32_t ping(const cachechain_call &call) override { return inner_->ping(call); }
  int32_t maintain(const cachechain_call &call) override { return inner_->maintain(call); }
  int32_t sweep(const cachechain_call &call) override { return inner_->sweep(call); }
  std::string stats() override;
  void thread_exit(uintptr_t word) override { inner_->thread_exit(word); }
  Status close(const cachechain_call &call) override { return inner_->close(call); }

 private:
  // Reads what a plugin handed out; fills all of `value` but its data. What is no entry is released and counted.
  bool open_envelope(const cachechain_key &key, cachechain_value &stored, Entry &entry, cachechain_value &value);
  // Stores the put at `version`, or as far above it as the layer asks for.
  int32_t put_at(const cachechain_call &call, const cachechain_put &put, uint64_t version,
                 cachechain_put_result &result);

  static constexpr size_t kFlaws = static_cast<size_t>(Flaw::kChecksum) + 1;

  const std::unique_ptr<Layer> inner_;
  Allocator &allocator_;
  LayerTraits traits_;
  std::array<std::atomic<uint64_t>, kFlaws> flaws_{};
};

}  // namespace cachechain

#endif  // CACHECHAIN_PLUGIN_ENVELOPE_LAYER_H_
