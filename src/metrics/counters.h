// What a chain counts, as indexes into a thread's block of counters. Each event is counted once, where it happens;
// sums (requests, hits of the chain) are derived when they are read.
#ifndef CACHECHAIN_METRICS_COUNTERS_H_
#define CACHECHAIN_METRICS_COUNTERS_H_

#include <cstdint>

namespace cachechain {

// Gets that no layer answered, and mutations. A get is one of: a layer's hit or stale, or one of the first five.
enum class ChainCounter : uint32_t {
  kMisses,
  kDegraded,  // misses with a layer that could not be asked
  kNotFound,
  kGetErrors,
  kLoaded,         // answered by the load of another call
  kJoined,         // gets that another's traversal answered
  kLeases,         // loads of the source that were begun
  kSideLeases,     // those of them that store nothing
  kFulfilled,      // loads whose value was stored
  kLoadsVoid,      // loads that a mutation overtook
  kLoadFailures,
  kSets,
  kSetErrors,
  kDeletes,
  kDeleteErrors,
  kOwed,  // mutations that some layer could not be told
  kInvalidations,
  kTouches,
  kRejects,
  kClears,
  kCount,
};

// What a get found in one layer, and what was written to it.
enum class LayerCounter : uint32_t {
  kHits,
  kStale,
  kMisses,
  kExpired,    // held, but past its life
  kDeleted,    // held a tombstone, a mark of absence or of invalidation
  kVoid,       // held something older than a mutation that a layer above knows
  kSkipped,    // not asked: quarantined, or no time left
  kErrors,     // asked, and failed
  kFills,      // warmed by a reader
  kFillsLost,  // a warm-up that lost against something newer
  kFillErrors,
  kPuts,
  kPutErrors,
  kSuperseded,
  kOwing,   // not asked, because it could not be told of a mutation
  kRepairs,  // debts that were settled
  kCount,
};

inline constexpr uint32_t kChainCounters = static_cast<uint32_t>(ChainCounter::kCount);
inline constexpr uint32_t kLayerCounters = static_cast<uint32_t>(LayerCounter::kCount);

constexpr uint32_t counter_count(uint32_t layers) { return kChainCounters + layers * kLayerCounters; }
constexpr uint32_t counter_index(ChainCounter counter) { return static_cast<uint32_t>(counter); }
constexpr uint32_t counter_index(uint32_t layer, LayerCounter counter) {
  return kChainCounters + layer * kLayerCounters + static_cast<uint32_t>(counter);
}

// The name that a report gives it.
const char *counter_name(ChainCounter counter);
const char *counter_name(LayerCounter counter);

}  // namespace cachechain

#endif  // CACHECHAIN_METRICS_COUNTERS_H_
