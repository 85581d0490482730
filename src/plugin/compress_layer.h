// CompressLayer: a layer whose larger values are stored compressed. A put of more than `above_bytes` stores a zstd
// frame if that is smaller, and says so in the codec byte of the flags; a get gives back the value, without a codec.
//
// Reading does not depend on the rule: it stands around every layer that can hold a codec, so that processes whose
// configurations differ read each other's values. A value without a codec costs a comparison. Bytes that are no value
// answer CORRUPT, and the chain goes on to the next layer.
//
// With a rule the layer has no limit of its own to tell beforehand (traits().max_value_size is 0): what counts is the
// stored size, and a put that is still too large answers VALUE_TOO_LARGE. Thread-safe as far as the inner layer is.
#ifndef CACHECHAIN_PLUGIN_COMPRESS_LAYER_H_
#define CACHECHAIN_PLUGIN_COMPRESS_LAYER_H_

#include <atomic>
#include <memory>
#include <string>

#include "base/allocator.h"
#include "base/clock.h"
#include "entry/zstd_codec.h"
#include "plugin/layer.h"
#include "plugin/owned_bytes.h"

namespace cachechain {

struct CompressRule {
  uint64_t above_bytes = 0;  // 0: nothing is compressed
  int level = 3;
  uint64_t max_value_bytes = UINT32_MAX;  // what claims to become larger is CORRUPT
};

class CompressLayer final : public Layer {
 public:
  // `allocator` gives the memory of views and frames; `clock` is the one that deadlines are told in. Both outlive the
  // layer, the allocator every value, too.
  CompressLayer(std::unique_ptr<Layer> inner, const CompressRule &rule, Allocator &allocator, Clock &clock);

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
  // What one get found, made into the value; the status of that get.
  int32_t unpack(const cachechain_call &call, std::span<uint8_t> buffer, cachechain_value &value);
  int32_t decompress(const cachechain_call &call, const cachechain_value &stored, std::span<uint8_t> buffer,
                     cachechain_value &value);
  int32_t corrupt(const cachechain_call &call, const char *problem, uint64_t stored, uint64_t claimed);
  int32_t too_large(const cachechain_call &call, bool compressed, cachechain_put_result &result) const;
  // Makes one put into that of a frame, and gives the memory of the frame; NULL if it stays as it is.
  OwnedBytes::Ptr pack(const cachechain_call &call, cachechain_put &put);

  const std::unique_ptr<Layer> inner_;
  const CompressRule rule_;
  Allocator &allocator_;
  Clock &clock_;
  LayerTraits traits_;
  ZstdCodec codec_;
  std::atomic<uint64_t> compressed_{0};
  std::atomic<uint64_t> left_plain_{0};
  std::atomic<uint64_t> saved_bytes_{0};
  std::atomic<uint64_t> corrupt_{0};
};

}  // namespace cachechain

#endif  // CACHECHAIN_PLUGIN_COMPRESS_LAYER_H_
