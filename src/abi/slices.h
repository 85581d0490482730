// The keys and values of a batch, checked as a whole: a batch with one that is wrong is refused. Each function answers
// OK, or has made the error and answers its status.
#ifndef CACHECHAIN_ABI_SLICES_H_
#define CACHECHAIN_ABI_SLICES_H_

#include <cstdint>

#include "cachechain/cachechain.h"
#include "chain/slices.h"

namespace cachechain {

int32_t check_count(uint64_t count, cachechain_error **error);
int32_t take_keys(const cachechain_slice *slices, uint64_t count, Slices &keys, cachechain_error **error);
int32_t take_keys(const uint8_t *bytes, const uint64_t *offsets, uint64_t count, Slices &keys,
                  cachechain_error **error);
int32_t take_values(const cachechain_slice *slices, uint64_t count, Slices &values, cachechain_error **error);
int32_t take_values(const uint8_t *bytes, const uint64_t *offsets, uint64_t count, Slices &values,
                    cachechain_error **error);

}  // namespace cachechain

#endif  // CACHECHAIN_ABI_SLICES_H_
