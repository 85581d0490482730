// A layer with one entry, which it answers for every key.
#include <array>
#include <cstring>

#include "cachechain/plugin.hpp"

namespace {

using cachechain::plugin::Buffer;
using cachechain::plugin::Call;
using cachechain::plugin::Opening;

constexpr std::array<uint8_t, 100> kData{};

class FixedLayer {
 public:
  static int32_t open(const Opening &, cachechain_layer_info &info, std::unique_ptr<FixedLayer> &layer) {
    info.caps = CACHECHAIN_CAP_INLINE | CACHECHAIN_CAP_CONCURRENT | CACHECHAIN_CAP_NEWER | CACHECHAIN_CAP_BUMP |
                CACHECHAIN_CAP_KINDS;
    layer = std::make_unique<FixedLayer>();
    return CACHECHAIN_OK;
  }
  int32_t get(const Call &, const cachechain_key &, Buffer buffer, cachechain_value &value) {
    value.data = kData.data();
    if (buffer.size() >= kData.size()) {
      std::memcpy(buffer.data(), kData.data(), kData.size());
      value.data = buffer.data();
    }
    value.size = kData.size();
    value.version = 1;
    return CACHECHAIN_OK;
  }
  int32_t put(const Call &, const cachechain_put &put, cachechain_put_result &result) {
    result.version = put.version;
    return CACHECHAIN_OK;
  }
};

}  // namespace

CACHECHAIN_LAYER_PLUGIN(FixedLayer, "fixed", "0.1.0", "one entry for every key; for benchmarks")
