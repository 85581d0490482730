// What a cachechain_batch is, and how a C function hands one out.
#ifndef CACHECHAIN_ABI_BATCH_H_
#define CACHECHAIN_ABI_BATCH_H_

#include <memory>

#include "abi/error.h"
#include "chain/batch.h"

struct cachechain_batch {
  cachechain::Batch::Ptr answers;
};

namespace cachechain {

inline int32_t no_batch(cachechain_error **error) { return fail(error, CACHECHAIN_INVALID_ARGUMENT, "batch is NULL"); }

// Runs body(handle): it fills handle.answers, or fails with a status below 0. `*batch` receives the handle unless it
// failed; the status is then that of all answers together. What body granted is never lost for want of a handle.
template <class Body>
int32_t answer_batch(cachechain_batch **batch, Body &&body) {
  auto handle = std::make_unique<cachechain_batch>();
  if (const int32_t status = body(*handle); status < 0) return status;
  const int32_t overall = handle->answers->overall();
  *batch = handle.release();
  return overall;
}

}  // namespace cachechain

#endif  // CACHECHAIN_ABI_BATCH_H_
