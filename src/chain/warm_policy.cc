#include "chain/warm_policy.h"

#include <algorithm>

namespace cachechain {

// Counts of threads that meet may be lost, which delays a warm-up by a hit.
uint32_t HitSketch::add(uint64_t hash) {
  uint32_t least = UINT32_MAX;
  for (size_t row = 0; row < rows_.size(); ++row) {
    std::atomic<uint8_t> &cell = rows_[row][(hash >> (row * 24)) % kRow];
    const uint8_t seen = cell.load(std::memory_order_relaxed);
    if (seen < UINT8_MAX) cell.store(static_cast<uint8_t>(seen + 1), std::memory_order_relaxed);
    least = std::min<uint32_t>(least, seen + 1u);
  }
  if (counted_.fetch_add(1, std::memory_order_relaxed) + 1 == kLength) halve();
  return least;
}

void HitSketch::halve() {
  counted_.store(0, std::memory_order_relaxed);
  for (auto &row : rows_) {
    for (std::atomic<uint8_t> &cell : row) {
      cell.store(cell.load(std::memory_order_relaxed) / 2, std::memory_order_relaxed);
    }
  }
}

bool WarmPolicy::admits(uint64_t size, uint64_t hash, int64_t fetch_ns) {
  if (!settings_.on) return false;
  if (settings_.max_bytes != 0 && size > settings_.max_bytes) return false;
  if (settings_.min_fetch_ms != 0 && fetch_ns < settings_.min_fetch_ms * 1'000'000) return false;
  return hits_ == nullptr || hits_->add(hash) >= settings_.after_hits;
}

}  // namespace cachechain
