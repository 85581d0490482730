// What a caller asks of a chain. Checked where it comes in: sizes, flags, signs of times. Borrowed for the call.
#ifndef CACHECHAIN_CHAIN_REQUEST_H_
#define CACHECHAIN_CHAIN_REQUEST_H_

#include <cstdint>
#include <span>

#include "base/cancel_token.h"
#include "cachechain/cachechain.h"

namespace cachechain {

// How a get is to be done.
struct ReadOptions {
  int64_t timeout_ns = 0;    // 0: the chain's own
  uint64_t min_version = 0;  // an older entry is no answer
  std::span<const uint8_t> trace;
  CancelToken *cancel = nullptr;
};

// What a mutation is asked to do.
struct Mutation {
  std::span<const uint8_t> data;
  uint32_t kind = CACHECHAIN_KIND_VALUE;  // or a tombstone, or an invalidation
  int64_t timeout_ns = 0;
  std::span<const uint8_t> trace;
  CancelToken *cancel = nullptr;  // heard until the level that arbitrates has answered
  int64_t ttl_ms = 0;
  int64_t fresh_ms = 0;
  bool expects = false;
  uint64_t expect_version = 0;
  uint64_t created = 0;
};

}  // namespace cachechain

#endif  // CACHECHAIN_CHAIN_REQUEST_H_
