// Arguments that several functions take, checked and turned into what the chain takes. Each answers OK, or has made the
// error and answers its status.
#ifndef CACHECHAIN_ABI_ARGUMENTS_H_
#define CACHECHAIN_ABI_ARGUMENTS_H_

#include <cstdint>

#include "cachechain/cachechain.h"
#include "chain/chain.h"

namespace cachechain {

int32_t check_key(const uint8_t *key, uint64_t size, cachechain_error **error);
int32_t check_buffer(const uint8_t *key, uint64_t key_size, const uint8_t *buf, uint64_t cap, cachechain_error **error);
int32_t check_data(const uint8_t *data, uint64_t size, cachechain_error **error);
// `given` may be NULL.
int32_t check_get_options(const cachechain_get_options *given, ReadOptions &read, cachechain_error **error);
int32_t check_put_options(const cachechain_put_options *given, Mutation &mutation, cachechain_error **error);

}  // namespace cachechain

#endif  // CACHECHAIN_ABI_ARGUMENTS_H_
