// Warmer: copies what was found at one level into the levels above it: into the inline ones at once and behind the
// fence, into the others through their queues, so that no reader waits for a write. Thread-safe.
#ifndef CACHECHAIN_CHAIN_WARMER_H_
#define CACHECHAIN_CHAIN_WARMER_H_

#include "chain/core.h"
#include "chain/walk.h"

namespace cachechain {

class Warmer {
 public:
  explicit Warmer(Core &core) : core_(core) {}

  // The walk has found `value` at the level `below`.
  void warm(const Caller &caller, const cachechain_key &key, size_t below, const Walk &walk,
            const cachechain_value &value);

 private:
  void put_inline(const Caller &caller, Level &level, const cachechain_put &put);

  Core &core_;
};

}  // namespace cachechain

#endif  // CACHECHAIN_CHAIN_WARMER_H_
