// Found: what an entry that a layer holds means to a get. Pure.
#ifndef CACHECHAIN_CHAIN_FOUND_H_
#define CACHECHAIN_CHAIN_FOUND_H_

#include <algorithm>
#include <cstdint>

#include "cachechain/cachechain.h"

namespace cachechain {

enum class Found {
  kFresh,    // the answer
  kStale,    // the answer, and it wants refreshing
  kAbsent,   // known not to exist
  kDeleted,  // a mutation's mark: what is not newer is void; look below
  kExpired,
  kVoid,     // not newer than a mark that a layer above holds
  kNothing,  // a lease, or a kind that only says that somebody is at work
};

// `floor` is the version of the newest mark seen above, 0 for none; a mark raises it. One strict comparison serves
// tombstones (stored at their version) and invalidations (stored one below what may replace them).
// `now_ms()` is asked only if the entry carries a time.
template <class Now>
Found judge_entry(const cachechain_value &value, uint64_t &floor, Now &&now_ms) {
  const uint32_t kind = value.flags & CACHECHAIN_FLAG_KIND_MASK;
  if (kind == CACHECHAIN_KIND_LEASE) return Found::kNothing;
  if ((value.expires_ms | value.fresh_until_ms) != 0) {
    const int64_t now = now_ms();
    if (value.expires_ms != 0 && value.expires_ms <= now) return Found::kExpired;
    if (kind == CACHECHAIN_KIND_VALUE && value.fresh_until_ms != 0 && value.fresh_until_ms <= now) {
      return value.version > floor || floor == 0 ? Found::kStale : Found::kVoid;
    }
  }
  if (kind == CACHECHAIN_KIND_TOMBSTONE || kind == CACHECHAIN_KIND_INVALIDATED) {
    floor = std::max(floor, value.version);
    return Found::kDeleted;
  }
  if (floor != 0 && value.version <= floor) return Found::kVoid;
  return kind == CACHECHAIN_KIND_ABSENT ? Found::kAbsent : Found::kFresh;
}

}  // namespace cachechain

#endif  // CACHECHAIN_CHAIN_FOUND_H_
