// Lives: how long a layer keeps an entry. Pure arithmetic over wall-clock milliseconds, saturating, never wrapping.
//
// In the deepest layer the entry's life is decided: the caller's ttl, else the namespace's, else the layer's own. Every
// other layer keeps a copy, for as long as the strategy says, and a copy never outlives the entry, nor the longest life
// that its layer allows. Jitter only ever shortens.
#ifndef CACHECHAIN_CHAIN_LIVES_H_
#define CACHECHAIN_CHAIN_LIVES_H_

#include <cstddef>
#include <cstdint>

#include "base/random.h"
#include "cachechain/cachechain.h"
#include "config/settings.h"

namespace cachechain {

// What a layer does to the lives of its entries. 0 is "none".
struct LifeRule {
  int64_t ttl_ms = 0;
  int64_t max_ttl_ms = 0;
  double jitter = 0;
  LifeStrategy copies = LifeStrategy::kPerLayer;
  double share = 1;  // of kDecaying: of what is left of the entry's life
};

// What a namespace says of lives.
struct NamespaceLife {
  int64_t ttl_ms = 0;
  int64_t max_ttl_ms = 0;
  LifeStrategy copies = LifeStrategy::kPerLayer;
  double decay = 1;
};

// The least that kDecaying leaves to a copy, if the entry has it.
inline constexpr int64_t kLeastShareMs = 1'000;

// The rule of a layer for the entries of a namespace. `above` is how many layers it stands above the deepest.
LifeRule rule_in(const NamespaceLife &space, const LifeRule &layer, size_t above);

struct Times {
  int64_t fresh_until_ms = 0;  // 0: as long as it lives
  int64_t expires_ms = 0;      // 0: never
};

// Longer than this is as good as for ever, and leaves room to add.
inline constexpr int64_t kLongestMs = INT64_C(1) << 60;

// `ttl_ms` and `fresh_ms` as in cachechain_put_options.
Times times_of_entry(int64_t now_ms, int64_t ttl_ms, int64_t fresh_ms, const LifeRule &deepest, Random &random);

// `entry` as it lives in another layer.
Times times_of_copy(int64_t now_ms, const Times &entry, const LifeRule &layer, Random &random);

}  // namespace cachechain

#endif  // CACHECHAIN_CHAIN_LIVES_H_
