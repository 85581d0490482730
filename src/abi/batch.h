// What a cachechain_batch is: a Batch, under the name that C knows it by.
#ifndef CACHECHAIN_ABI_BATCH_H_
#define CACHECHAIN_ABI_BATCH_H_

#include "abi/error.h"
#include "chain/batch.h"

struct cachechain_batch {
  cachechain::Batch::Ptr answers;
};

namespace cachechain {

inline int32_t no_batch(cachechain_error **error) { return fail(error, CACHECHAIN_INVALID_ARGUMENT, "batch is NULL"); }

// Runs body(handle): it fills handle->answers, or fails with a status below 0. `*batch` receives the handle unless it
// failed; the status is then that of all answers together.
template <class Body>
int32_t answer_batch(cachechain_batch **batch, Body &&body) {
  auto handle = std::make_unique<cachechain_batch>();
  if (const int32_t status = body(*handle); status < 0) return status;
  *batch = handle.release();
  return (*batch)->answers->overall();
}

}  // namespace cachechain

#endif  // CACHECHAIN_ABI_BATCH_H_
