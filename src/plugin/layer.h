// Layer: one level of the chain as the rest of the core sees it. A plugin's instance is a Layer; whatever wraps one
// (envelope, serialiser, compression, later the guards) is a Layer too, so wrapping composes and each wrapper is tested
// alone.
//
// All functions but close() may be called from any thread at the same time. They answer statuses of cachechain.h and
// put the text of a failure into call.report. No exception leaves them, and what they answer has been checked against
// the contract of plugin.h: a wrapper and the chain may trust it.
#ifndef CACHECHAIN_PLUGIN_LAYER_H_
#define CACHECHAIN_PLUGIN_LAYER_H_

#include <cstdint>
#include <span>
#include <string>

#include "base/status.h"
#include "cachechain/plugin.h"

namespace cachechain {

// What does not change while a layer is open.
struct LayerTraits {
  std::string name;      // in the configuration
  std::string plugin;    // the plugin's own name
  std::string version;   // the plugin's own version
  std::string file;      // where it was loaded from
  std::string endpoint;  // "10.0.3.7:6379", may be empty
  uint64_t caps = 0;
  uint64_t max_key_size = CACHECHAIN_MAX_KEY_SIZE;
  uint64_t max_value_size = 0;  // 0: no limit of its own

  bool can(uint64_t cap) const { return (caps & cap) == cap; }
};

class Layer {
 public:
  virtual ~Layer() = default;

  virtual const LayerTraits &traits() const = 0;
  virtual int32_t get(const cachechain_call &call, const cachechain_key &key, std::span<uint8_t> buffer,
                      cachechain_value &value) = 0;
  virtual int32_t put(const cachechain_call &call, const cachechain_put &put, cachechain_put_result &result) = 0;
  // The same for many: every status, and every result, is what the single call would answer. `values` come zeroed and
  // are views. OK, or PARTIAL where the statuses differ, which need not be read to learn what each key's is; a failure
  // says that nothing was asked or tried (but for PLUGIN_FAULT, as for put), and it stands in every status too.
  virtual int32_t get_many(const cachechain_call &call, std::span<const cachechain_key> keys,
                           std::span<cachechain_value> values, std::span<int32_t> statuses) = 0;
  virtual int32_t put_many(const cachechain_call &call, std::span<const cachechain_put> puts,
                           std::span<cachechain_put_result> results) = 0;
  virtual int32_t erase_many(const cachechain_call &call, std::span<const cachechain_key> keys) = 0;
  virtual int32_t ping(const cachechain_call &call) = 0;
  virtual int32_t maintain(const cachechain_call &call) = 0;
  // Everything under the chain's prefix goes. PARTIAL if there is more, UNSUPPORTED without CAP_SWEEP.
  virtual int32_t sweep(const cachechain_call &call) = 0;
  // One JSON object, "{}" if the layer has no numbers of its own.
  virtual std::string stats() = 0;
  virtual void thread_exit(uintptr_t word) = 0;
  // Once, with no other call under way. Values handed out stay valid.
  virtual Status close(const cachechain_call &call) = 0;
};

// What a batch answers as a whole after each of its items was answered.
inline int32_t whole_of(std::span<const int32_t> statuses) {
  for (const int32_t status : statuses) {
    if (status != statuses.front()) return CACHECHAIN_PARTIAL;
  }
  return CACHECHAIN_OK;
}
inline int32_t whole_of(std::span<const cachechain_put_result> results) {
  for (const cachechain_put_result &result : results) {
    if (result.status != results.front().status) return CACHECHAIN_PARTIAL;
  }
  return CACHECHAIN_OK;
}
// What a batch answers that failed as a whole.
inline int32_t fail_all(std::span<int32_t> statuses, int32_t failure) {
  for (int32_t &status : statuses) status = failure;
  return failure;
}
inline int32_t fail_all(std::span<cachechain_put_result> results, int32_t failure) {
  for (cachechain_put_result &result : results) result = {failure, 0, 0};
  return failure;
}

}  // namespace cachechain

#endif  // CACHECHAIN_PLUGIN_LAYER_H_
