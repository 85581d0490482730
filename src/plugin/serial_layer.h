// SerialLayer: one call at a time for a plugin without CAP_CONCURRENT. Who waits for its turn waits up to its call's
// deadline and then answers OVERLOADED, or until it is cancelled and answers CANCELLED, without having asked the
// plugin. Thread-safe.
#ifndef CACHECHAIN_PLUGIN_SERIAL_LAYER_H_
#define CACHECHAIN_PLUGIN_SERIAL_LAYER_H_

#include <memory>
#include <mutex>
#include <span>
#include <string>
#include <utility>

#include "base/cancel_token.h"
#include "base/clock.h"
#include "plugin/layer.h"

namespace cachechain {

class SerialLayer final : public Layer {
 public:
  // `clock` is the one that deadlines are told in; it outlives the layer.
  SerialLayer(std::unique_ptr<Layer> inner, Clock &clock) : inner_(std::move(inner)), clock_(clock) {}

  const LayerTraits &traits() const override { return inner_->traits(); }
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
  Status close(const cachechain_call &call) override { return inner_->close(call); }

 private:
  using Turn = std::unique_lock<std::timed_mutex>;
  // Without a deadline (0) and a token (NULL) waits as long as it takes; not held if one of the two came first.
  Turn wait(int64_t deadline_ns, const CancelToken *cancel);
  // refuse() is told why the body was not run.
  template <class Body, class Refuse>
  int32_t in_turn(const cachechain_call &call, Body &&body, Refuse &&refuse);
  template <class Body>
  int32_t in_turn(const cachechain_call &call, Body &&body);

  const std::unique_ptr<Layer> inner_;
  Clock &clock_;
  std::timed_mutex mutex_;
};

}  // namespace cachechain

#endif  // CACHECHAIN_PLUGIN_SERIAL_LAYER_H_
