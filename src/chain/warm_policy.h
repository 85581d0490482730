// WarmPolicy: whether an entry that was found below a layer is worth a place in it. Thread-safe, without a lock; the
// count of hits is a sketch: it may take one key for another and warm too early, or miss a count and warm a hit later.
#ifndef CACHECHAIN_CHAIN_WARM_POLICY_H_
#define CACHECHAIN_CHAIN_WARM_POLICY_H_

#include <array>
#include <atomic>
#include <cstdint>
#include <memory>

#include "config/settings.h"

namespace cachechain {

// How often keys were seen of late. Every kLength counts all of them are halved.
class HitSketch {
 public:
  // One more; how many that makes.
  uint32_t add(uint64_t hash);

 private:
  static constexpr uint32_t kRow = 4096;
  static constexpr uint32_t kLength = 8 * kRow;

  void halve();

  std::array<std::array<std::atomic<uint8_t>, kRow>, 2> rows_{};
  std::atomic<uint32_t> counted_{0};
};

class WarmPolicy {
 public:
  explicit WarmPolicy(const WarmSettings &settings)
      : settings_(settings), hits_(settings.after_hits > 1 ? std::make_unique<HitSketch>() : nullptr) {}

  // Whether it wants to know what the fetch cost.
  bool by_cost() const { return settings_.min_fetch_ms != 0; }
  // `size` of the value, `hash` of the key.
  bool admits(uint64_t size, uint64_t hash, int64_t fetch_ns);

 private:
  const WarmSettings settings_;
  const std::unique_ptr<HitSketch> hits_;
};

}  // namespace cachechain

#endif  // CACHECHAIN_CHAIN_WARM_POLICY_H_
